// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE realtime_random

// A million random events: whatever the network, the server, the token command and the clocks do,
// the machine keeps its promises, and comes up again as soon as all of them behave.

#include "realtime_world.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <cstdio>
#include <cstdlib>
#include <random>

using namespace holt;
using namespace holt::test;

namespace {

#ifdef HOLT_SANITIZED
constexpr int runs = 300;
#else
constexpr int runs = 1'600;
#endif
constexpr int events_a_run = 650;

class checker {
public:
  explicit checker(std::uint64_t seed) : rng{seed} {
    w.s.random = seed;
    w.p.fetches_token = pick(2) == 0;
    w.p.version = pick(4) == 0 ? phoenix::version::v1 : phoenix::version::v2;
    w.p.limits.messages_per_second = pick(3) == 0 ? 0 : 5;
  }

  std::string run() {
    told(started{});
    for (int i = 0; i < events_a_run && wrong.empty(); ++i)
      random_event();
    if (wrong.empty() && !w.s.over)
      recover();
    return wrong;
  }

private:
  unsigned pick(unsigned n) { return static_cast<unsigned>(rng() % n); }
  void must(bool fine, const std::string& what) {
    if (!fine && wrong.empty())
      wrong = what + " after event " + std::to_string(event_index) + " in "
              + std::string{to_string(channel_before)};
  }

  // -- promises

  void told(const event& what) {
    const auto before = w.s.channel;
    channel_before = before;
    event_index = what.index();
    const auto socket_before = w.s.serial;
    note_end(what);
    for (const auto& one : step(w.s, what, w.t, w.p)) {
      must(!over || std::holds_alternative<arm>(one), "an effect after the end");
      std::visit([this](const auto& effect) { check(effect); }, one);
      if (const auto* out = std::get_if<to_socket>(&one))
        check_push(*out, before == channel_state::joining && socket_before == w.s.serial);
      std::visit([this](const auto& effect) { w.take(effect); }, one);
    }
    must(over == w.s.over, "over and finished agree");
    must(up_now == (w.s.channel == channel_state::joined) || w.s.channel == channel_state::leaving
           || over,
         "up and joined agree");
    const bool channel_alive
      = w.s.channel == channel_state::joining || w.s.channel == channel_state::joined;
    must(!channel_alive || w.s.socket == socket_state::open, "a channel lives on an open socket");
    if (!over) {
      must(w.armed.has_value(), "something is always due");
      must(!w.armed || *w.armed <= w.t.now + 120s, "what is due is not far");
    } else {
      must(!w.armed, "nothing is due after the end");
    }
    std::size_t bytes = 0;
    for (const auto& one : w.s.outbox)
      bytes += one.payload->size();
    must(bytes == w.s.outbox_bytes, "the outbox knows its size");
    must(w.s.outbox.empty() || w.s.channel == channel_state::joined, "a queue without a join");
    if (w.sent.size() > 2'000)
      w.sent.erase(w.sent.begin(), w.sent.end() - 50);
  }

  /// The hands tell the end of a socket themselves.
  void note_end(const event& what) {
    if (const auto* end = std::get_if<closed>(&what); end && end->serial == live)
      live = 0;
    if (const auto* end = std::get_if<connect_failed>(&what); end && end->serial == live)
      live = 0;
    if (const auto* end = std::get_if<token_ready>(&what); end && end->serial == fetching)
      fetching = 0;
    if (const auto* end = std::get_if<token_failed>(&what); end && end->serial == fetching)
      fetching = 0;
  }

  void check(const connect& what) {
    must(live == 0, "two live sockets");
    must(what.serial > last_serial, "a serial that is not new");
    live = last_serial = what.serial;
    last_ref = 0;
    join_ref.clear();
  }
  void check(const close_socket& what) {
    must(what.serial == live, "a socket closed that is not there");
    live = 0;
  }
  void check(const fetch_token& what) {
    // One that never answered was given up first.
    must(fetching == 0 || fetch_started + w.p.token_wait <= w.t.now, "two token commands");
    fetching = what.serial;
    fetch_started = w.t.now;
  }
  void check(const up&) {
    must(!up_now, "up twice");
    up_now = true;
  }
  void check(const down& what) {
    must(!what.why.detail.empty(), "a down without a sentence");
    must(what.why.code != errc::none, "a down without a word");
    must(what.since <= w.t.wall || jumped_back, "heard in the future");
    up_now = false;
  }
  void check(const deliver&) { must(up_now, "a message before up"); }
  void check(const presence&) { must(up_now, "presence before up"); }
  void check(const finished&) {
    over = true;
    up_now = false;
    live = 0;
  }
  void check(const arm&) {}
  void check(const to_socket&) {}
  void check(const report&) {}

  void check_push(const to_socket& what, bool was_joining) {
    const auto f = phoenix::decode_text(w.p.version, what.text);
    must(f.has_value(), "a frame that nobody can read");
    if (!f)
      return;
    must(live != 0, "a frame without a socket");
    must(f->ref.has_value(), "a frame without ref");
    const auto number = f->ref ? std::stoull(*f->ref) : 0;
    must(number > last_ref, "a ref that is not new");
    last_ref = number;
    if (f->event == "heartbeat") {
      must(!f->join_ref, "a heartbeat of a channel");
      return;
    }
    if (f->event == "phx_join") {
      must(!was_joining, "two joins in flight");
      must(f->join_ref == f->ref, "a join names itself");
      join_ref = *f->ref;
      return;
    }
    must(f->join_ref == join_ref, "a push with an old join_ref");
    must(w.s.channel == channel_state::joined || w.s.channel == channel_state::leaving,
         "a push without a join");
  }

  // -- events

  std::string some_ref() {
    switch (pick(5)) {
    case 0: return "null";
    case 1: return "\"" + std::to_string(pick(40)) + "\"";
    case 2: return w.s.beat_ref.empty() ? "null" : "\"" + w.s.beat_ref + "\"";
    default: return w.s.join_ref.empty() ? "null" : "\"" + w.s.join_ref + "\"";
    }
  }

  std::string some_payload() {
    static const std::vector<std::string> all{
      R"({"status":"ok","response":{"postgres_changes":[]}})",
      R"({"status":"ok","response":{}})",
      R"({"status":"error","response":{"reason":"InvalidJWTToken: Token has expired 3 s ago"}})",
      R"({"status":"error","response":{"reason":"Unauthorized: no"}})",
      R"({"status":"error","response":{"reason":"ClientJoinRateLimitReached: slow"}})",
      R"({"status":"error","response":{"reason":"unmatched topic"}})",
      R"({"status":"error","response":"payload_size_exceeded"})",
      R"({"extension":"system","status":"error","message":"Too many messages per second"})",
      R"({"extension":"system","status":"error","message":"Token has expired 1 s ago"})",
      R"({"extension":"postgres_changes","status":"error","message":"x"})",
      R"({"type":"broadcast","event":"cmd","payload":{"id":"a"}})",
      R"({"a":{"metas":[{"phx_ref":"r1","role":"sandbox"},{"phx_ref":"r2"}]}})",
      R"({"joins":{"a":{"metas":[{"phx_ref":"r3","role":"sandbox"}]}},"leaves":{}})",
      R"({"joins":{},"leaves":{"a":{"metas":[{"phx_ref":"r3","role":"sandbox"}]}}})",
      "{}",
      "[]",
      "null",
      "\"x\"",
      "7",
      "{\"status\":7}",
      "[[[[[[]]]]]]"};
    return all[pick(static_cast<unsigned>(all.size()))];
  }

  std::string some_frame() {
    static const std::vector<std::string> names{
      "phx_reply", "phx_reply",     "phx_reply", "phx_close",      "phx_error",
      "system",    "presence_diff", "broadcast", "presence_state", "nonsense"};
    const auto name = names[pick(static_cast<unsigned>(names.size()))];
    const auto topic = pick(8) == 0 ? std::string{"phoenix"} : w.p.topic;
    if (pick(4) == 0)
      return "{\"topic\":\"" + topic + "\",\"event\":\"" + name + "\",\"payload\":" + some_payload()
             + ",\"ref\":" + some_ref() + "}";
    auto text = "[" + some_ref() + "," + some_ref() + ",\"" + topic + "\",\"" + name + "\","
                + some_payload() + "]";
    if (pick(10) == 0)
      text.resize(pick(static_cast<unsigned>(text.size())));
    else if (pick(10) == 0)
      text[pick(static_cast<unsigned>(text.size()))] = static_cast<char>(rng());
    return text;
  }

  std::uint64_t some_serial() { return pick(6) == 0 ? pick(30) : w.s.serial; }

  void random_event() {
    switch (pick(24)) {
    case 0:
    case 1:
    case 2: // the timer
      if (w.armed) {
        w.move_to(std::max(w.t.now, *w.armed));
        told(tick{});
      }
      break;
    case 3: // a timer too early or too late
      w.move_to(w.t.now + milliseconds{pick(20'000)});
      told(tick{});
      break;
    case 4: w.move_to(w.t.now + milliseconds{pick(3'000)}); break;
    case 5:
      if (pick(8) == 0) {
        w.t.wall += std::chrono::seconds{pick(100'000)};
      } else if (pick(40) == 0) {
        w.t.wall -= std::chrono::seconds{pick(100'000)};
        jumped_back = true;
      }
      break;
    case 6:
    case 7:
    case 8: told(connected{some_serial()}); break;
    case 9:
      if (pick(3) == 0)
        told(connect_failed{some_serial(), judge_refusal(400 + pick(130), "{\"error\":\"x\"}")});
      break;
    case 10:
      if (pick(3) == 0)
        told(closed{some_serial(), static_cast<std::uint16_t>(1000 + pick(15)), "why"});
      break;
    case 11:
    case 12:
      told(token_ready{pick(6) == 0 ? pick(30) : w.fetch, "t" + std::to_string(pick(9))});
      break;
    case 13: told(token_failed{pick(6) == 0 ? pick(30) : w.fetch, {errc::config, "no"}}); break;
    case 14:
    case 15: told(send{"result", std::make_shared<const std::string>("{\"n\":1}")}); break;
    case 16: told(set_meta{{{"role", "sandbox"}, {"n", pick(3)}}}); break;
    case 17:
    case 18: // a server that means well
      if (w.s.channel == channel_state::joining)
        told(received{w.s.serial,
                      "[\"" + w.s.join_ref + "\",\"" + w.s.join_ref + "\",\"" + w.p.topic
                        + R"(","phx_reply",{"status":"ok","response":{}}])",
                      false});
      break;
    case 19:
      if (!w.s.beat_ref.empty())
        told(received{w.s.serial,
                      "[null,\"" + w.s.beat_ref + R"(","phoenix","phx_reply",{"status":"ok"}])",
                      false});
      break;
    case 20:
      if (pick(200) == 0)
        told(link::realtime::close{});
      break;
    default: {
      const auto text = some_frame();
      told(received{some_serial(), text, pick(12) == 0});
    }
    }
  }

  /// Everything behaves: it must be joined within the longest wait and a bit.
  void recover() {
    const auto end = w.t.now + 150s;
    while (w.t.now < end && !w.s.over && w.s.channel != channel_state::joined && wrong.empty())
      behave();
    must(w.s.over || w.s.channel == channel_state::joined, "it did not come up again");
    // And stays.
    const auto ups = w.ups;
    const auto later = w.t.now + 300s;
    while (w.t.now < later && !w.s.over && wrong.empty())
      behave();
    must(w.s.over || (w.s.channel == channel_state::joined && w.ups == ups), "it did not stay up");
  }

  void behave() {
    if (w.s.socket == socket_state::connecting && live != 0)
      told(connected{w.s.serial});
    else if (fetching != 0)
      told(token_ready{fetching, "good"});
    else if (w.s.channel == channel_state::joining)
      told(received{w.s.serial,
                    "[null,\"" + w.s.join_ref + "\",\"" + w.p.topic
                      + R"(","phx_reply",{"status":"ok","response":{}}])",
                    false});
    else if (!w.s.beat_ref.empty())
      told(received{w.s.serial,
                    "[null,\"" + w.s.beat_ref + R"(","phoenix","phx_reply",{"status":"ok"}])",
                    false});
    else if (w.armed) {
      w.move_to(std::max(w.t.now, *w.armed));
      told(tick{});
    }
  }

  std::mt19937_64 rng;
  realtime_world w;
  std::string wrong;
  std::size_t event_index = 0; ///< of the present step
  channel_state channel_before = channel_state::closed;
  std::uint64_t live = 0;
  std::uint64_t last_serial = 0;
  std::uint64_t last_ref = 0;
  std::uint64_t fetching = 0;
  steady_time fetch_started;
  std::string join_ref;
  bool up_now = false;
  bool over = false;
  bool jumped_back = false;
};

} // namespace

CAF_TEST(a million random events break no promise) {
  auto seed = std::uint64_t{20'261'126};
  if (const auto* text = std::getenv("HOLT_SEED"))
    seed = std::string_view{text} == "random" ? std::uint64_t{std::random_device{}()}
                                              : std::strtoull(text, nullptr, 10);
  std::printf("HOLT_SEED=%llu replays this\n", static_cast<unsigned long long>(seed));
  std::string first;
  for (unsigned i = 0; i < runs && first.empty(); ++i) {
    const auto wrong = checker{seed + i}.run();
    if (!wrong.empty())
      first = wrong + " (seed " + std::to_string(seed + i) + ")";
  }
  CAF_CHECK_EQUAL(first, "");
}
