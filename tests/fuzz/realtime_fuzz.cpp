// SPDX-License-Identifier: Apache-2.0

// A whole life of the Realtime client: the first byte of a line says what happens, the rest is its
// text. `$` stands for the present join_ref, `%` for the heartbeat's ref, so that answers can fit.

#include "link/realtime_machine.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>

using namespace holt;
using namespace holt::link::realtime;

namespace {

struct life {
  state now;
  policy how;
  clocks t{steady_time{std::chrono::seconds{1'000}},
           wall_time{std::chrono::seconds{1'800'000'000}}};
  std::optional<steady_time> armed;
  std::uint64_t live = 0;
  std::uint64_t fetch = 0;
  bool up_now = false;
  bool over = false;

  void tell(const event& what) {
    const bool joining = now.channel == channel_state::joining;
    const auto serial = now.serial;
    if (const auto* end = std::get_if<closed>(&what); end && end->serial == live)
      live = 0;
    if (const auto* end = std::get_if<connect_failed>(&what); end && end->serial == live)
      live = 0;
    for (const auto& one : step(now, what, t, how)) {
      if (const auto* x = std::get_if<arm>(&one)) {
        armed = x->at;
        continue;
      }
      fuzz::must(!over, "nothing happens after the end");
      if (const auto* x = std::get_if<link::realtime::connect>(&one)) {
        fuzz::must(live == 0, "one live socket");
        live = x->serial;
      } else if (const auto* end = std::get_if<close_socket>(&one)) {
        fuzz::must(live == end->serial, "what is closed was open");
        live = 0;
      } else if (const auto* out = std::get_if<to_socket>(&one)) {
        fuzz::must(live != 0, "words go to a socket");
        const auto f = phoenix::decode_text(how.version, out->text);
        fuzz::must(f.has_value(), "the server gets frames");
        fuzz::must(f->event != "phx_join" || !joining || serial != now.serial,
                   "one join in flight");
      } else if (const auto* get = std::get_if<fetch_token>(&one)) {
        fetch = get->serial;
      } else if (std::holds_alternative<up>(one)) {
        fuzz::must(!up_now, "up once");
        up_now = true;
      } else if (std::holds_alternative<down>(one)) {
        up_now = false;
      } else if (std::holds_alternative<deliver>(one)) {
        fuzz::must(up_now, "messages come while up");
      } else if (std::holds_alternative<finished>(one)) {
        over = true;
        up_now = false;
        live = 0;
      }
    }
    fuzz::must(over || armed.has_value(), "something is always due");
  }

  void move(steady_time when) {
    t.wall += std::chrono::duration_cast<wall_time::duration>(when - t.now);
    t.now = when;
  }

  std::string filled(std::string_view text) const {
    std::string out;
    for (const char c : text)
      if (c == '$')
        out += now.join_ref;
      else if (c == '%')
        out += now.beat_ref;
      else
        out += c;
    return out;
  }
};

} // namespace

FUZZ(realtime) {
  life it;
  auto rest = fuzz::text(data);
  it.how.topic = "realtime:s";
  it.how.fetches_token = !rest.empty() && rest.front() == 'T';
  it.how.version
    = !rest.empty() && rest.front() == '1' ? phoenix::version::v1 : phoenix::version::v2;
  it.how.limits.messages_per_second = 3;
  it.tell(started{});
  for (int steps = 0; steps < 300 && !rest.empty() && !it.over; ++steps) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto body = line.substr(std::min<std::size_t>(1, line.size()));
    const auto serial = it.now.serial;
    switch (line.empty() ? '?' : line.front()) {
    case 'o': it.tell(connected{serial}); break;
    case 'f': it.tell(connect_failed{serial, judge_refusal(429, body)}); break;
    case 'F': it.tell(connect_failed{serial, judge_refusal(500, body)}); break;
    case 'x': it.tell(closed{serial, 1001, std::string{body}}); break;
    case 't': it.tell(token_ready{it.fetch, std::string{body}}); break;
    case 'u': it.tell(token_failed{it.fetch, {errc::config, std::string{body}}}); break;
    case 'r': it.tell(received{serial, it.filled(body), false}); break;
    case 'b': it.tell(received{serial, it.filled(body), true}); break;
    case 's': it.tell(send{"e", std::make_shared<const std::string>("{}")}); break;
    case 'm': it.tell(set_meta{{{"role", "sandbox"}, {"n", body.size()}}}); break;
    case 'z': it.t.wall += std::chrono::hours{1}; break;
    case 'c': it.tell(link::realtime::close{}); break;
    case ' ':
      if (it.armed)
        it.move(std::max(*it.armed, it.t.now));
      it.tell(tick{});
      break;
    case '.': it.move(it.t.now + std::chrono::milliseconds{100 * body.size()}); break;
    default: break;
    }
    if (it.up_now)
      fits(body, it.how.limits);
  }
  if (!it.over)
    it.tell(link::realtime::close{});
  for (int i = 0; i < 3 && !it.over && it.armed; ++i) {
    it.move(std::max(*it.armed, it.t.now));
    it.tell(tick{});
  }
  fuzz::must(it.over, "it ends when it is asked to");
}
