// SPDX-License-Identifier: Apache-2.0

// A browser's whole connection: the first byte of a step says what happens, the rest up to the
// next line end is its text. The machine may be told anything in any order.

#include "actors/signaling_machine.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <optional>

using namespace holt;
using namespace holt::signaling;

namespace {

struct run {
  state now;
  policy how;
  std::optional<timer> armed;
  int closes = 0;
  bool over = false;

  void tell(const event& what) {
    for (const auto& one : step(now, what, how)) {
      fuzz::must(!over, "nothing happens after the end");
      if (const auto* x = std::get_if<arm>(&one))
        armed = timer{x->what, x->serial};
      if (const auto* x = std::get_if<close_browser>(&one)) {
        fuzz::must(x->code >= 1000 && x->code < 5000, "a close code is one");
        ++closes;
      }
      if (const auto* x = std::get_if<to_browser>(&one))
        fuzz::must(nlohmann::json::accept(x->text), "the browser gets JSON");
      if (const auto* x = std::get_if<to_engine>(&one)) {
        const auto message = nlohmann::json::parse(x->text, nullptr, false);
        fuzz::must(message.is_object(), "the engine gets JSON");
        const auto name = message.value("event", std::string{});
        fuzz::must(passes_to_engine(name, true), "only listed events reach the engine");
        fuzz::must(now.driver || passes_to_engine(name, false), "only the driver drives");
      }
      if (std::holds_alternative<finished>(one))
        over = true;
    }
    fuzz::must(closes <= 1, "a browser is closed once");
  }
};

engine_info engine(bool ready) {
  engine_info out;
  out.ready = ready;
  out.name = "builtin";
  out.stun = "stun:127.0.0.1:4659";
  return out;
}

} // namespace

FUZZ(signaling) {
  run it;
  auto rest = fuzz::text(data);
  const bool ready = !rest.empty() && rest.front() != 'w';
  const bool published = !rest.empty() && rest.front() == 'p';
  it.tell(opened{{control::viewer_id{7}, "Ann", true, false, published}, engine(ready)});
  for (int steps = 0; steps < 200 && !rest.empty() && !it.over; ++steps) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::string body{line.substr(std::min<std::size_t>(1, line.size()))};
    switch (line.empty() ? '?' : line.front()) {
    case 'a': it.tell(account_ready{body}); break;
    case 'A': it.tell(account_failed{{errc::engine_no_answer, body}}); break;
    case 'o': it.tell(engine_open{}); break;
    case 'O': it.tell(engine_closed{1006, body}); break;
    case 'r': it.tell(engine_changed{engine(true), false}); break;
    case 'R': it.tell(engine_changed{engine(false), !body.empty()}); break;
    case 'b': it.tell(from_browser{body, false}); break;
    case 'B': it.tell(from_browser{body, true}); break;
    case 'e': it.tell(from_engine{body}); break;
    case 'x': it.tell(browser_closed{1000}); break;
    case 'd': it.tell(control_changed{{{"epoch", 1}}, true}); break;
    case 'D': it.tell(control_changed{{{"epoch", 2}}, false}); break;
    case 'k': it.tell(control_asked{control::viewer_id{9}, body}); break;
    case 'n': it.tell(control_refused{{errc::control_held, body}}); break;
    case 'z': it.tell(arbiter_restarted{}); break;
    case 't':
      if (it.armed)
        it.tell(*it.armed);
      break;
    case 's': it.tell(shutdown{1001, body}); break;
    default: break;
    }
  }
  // Whatever happened: a goodbye and both ends of the sockets end it.
  if (!it.over)
    it.tell(shutdown{1001, "test over"});
  if (!it.over)
    it.tell(engine_closed{1000, ""});
  if (!it.over)
    it.tell(account_failed{{errc::timeout, ""}});
  if (!it.over)
    it.tell(browser_closed{1001});
  fuzz::must(it.over, "a viewer ends when all around it has ended");
}
