// SPDX-License-Identifier: Apache-2.0

// The windows on the desktop. `x, y, width, height` are what the program paints, so that they are
// the coordinates of clicks and of a region of the screenshot; `frame` is with title bar and
// borders. A move sets the frame's corner, a resize the inner size, as with the published server.

#include "actors/act_fields.hpp"
#include "actors/act_limits.hpp"
#include "actors/gateway.hpp"
#include "actors/query_fields.hpp"
#include "actors/window_json.hpp"
#include "desktop/keyboard_focus.hpp"
#include "desktop/manager_barrier.hpp"
#include "desktop/workbench.hpp"

#include <nlohmann/json.hpp>

namespace holt {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using clock = std::chrono::steady_clock;
using desktop::window_info;
using desktop::window_request;

constexpr int max_coordinate = act_limits::coordinate;
constexpr auto look_again = 4ms;
constexpr auto rest = 24ms;      ///< unchanged for so long: no more comes
constexpr auto patience = 400ms; ///< then it is answered as it is
constexpr auto longest = 2s;     ///< the same while the window manager has not even come to it

error no_window(const std::string& id) {
  return {errc::not_found, "Window " + id + " not found"};
}

/// What a route asks of a window.
struct wish {
  std::string name; ///< for the feed
  std::function<result<void>(desktop::windows&, std::uint32_t)> ask;
  /// Whether it is as wanted; an empty window is one that closed.
  std::function<bool(const std::optional<window_info>& before,
                     const std::optional<window_info>& now)>
    reached;
  bool focuses = false; ///< it gets the keyboard, too
};

/// Follows one window until the window manager is done and it is as wanted or rests, or patience
/// ends.
struct pursuit {
  wish what;
  std::uint32_t id = 0;
  std::optional<window_info> before;
  std::optional<window_info> last;
  clock::time_point begun = clock::now();
  clock::time_point changed = clock::now();
  std::optional<desktop::manager_barrier> manager; ///< on the thread of the connection only
  bool asked_again = false;
  std::optional<clock::time_point> finished; ///< the window manager was done then
  http::reply answer;

  std::optional<clock::time_point> go_on(desktop::workbench& bench, clock::time_point now) {
    bool done = manager->passed(); // before the look: what is seen is not half of it
    // A window is called active only when the X server's FocusIn has come to the manager: that may
    // stand behind the first question, but not behind a second one.
    if (done && what.focuses && !std::exchange(asked_again, true)) {
      manager.emplace(bench.x());
      done = manager->passed();
    }
    if (done && !finished)
      finished = now;
    auto found = bench.tops().find(id);
    if (!found) {
      manager.reset();
      answer(http::problem(found.error()));
      return {};
    }
    if (*found != last) {
      last = std::move(*found);
      changed = now;
    }
    bool there = what.reached(before, last);
    if (there && last && what.name == "focus" && !desktop::has_keyboard(bench.x(), id)) {
      desktop::give_keyboard(bench.x(), id);
      there = false;
    }
    // One that is not there may come back: it is withdrawn for a moment when others act on it too.
    bool at_rest = last && now >= changed + (there ? 0ms : rest) && now != begun && last != before;
    if (!(done && (there || at_rest)) && now < (finished ? *finished + patience : begun + longest))
      return now + look_again;
    manager.reset();
    if (last)
      answer(http::json_response(200, window_json(*last)));
    else if (what.name == "close")
      answer(http::json_response(200, {{"id", std::to_string(id)}, {"closed", true}}));
    else
      answer(window_problem(no_window(std::to_string(id))));
    return {};
  }
};

void pursue(const gateway_deps& deps, const gateway_call& call, wish what) {
  auto actor = actor_of(deps, call);
  if (!actor)
    return;
  auto text = call.params.find("id")->second;
  auto id = window_id(text);
  if (!id)
    return call.answer(window_problem(id.error()));
  auto chase = std::make_shared<pursuit>();
  chase->what = std::move(what);
  chase->id = *id;
  chase->answer = with_epoch(deps.gate, call.answer);
  deps.door->post([chase, text, gate = deps.gate, activity = deps.activity, actor = *actor,
                   who = call.who.name](const result<desktop::workbench*>& got) {
    if (!got)
      return chase->answer(http::problem(got.error()));
    auto& bench = **got;
    if (auto may = gate->may_act(actor); !may)
      return chase->answer(control_problem(gate, actor, may.error()));
    auto found = bench.tops().find(chase->id);
    if (found && !*found)
      found = no_window(text);
    auto asked = found ? chase->what.ask(bench.tops(), chase->id) : result<void>{found.error()};
    if (!asked)
      return chase->answer(window_problem(asked.error()));
    activity.send(
      activity_append{"act", {{"act", chase->what.name}, {"window", text}, {"name", who}}});
    chase->before = *found;
    chase->last = *found;
    chase->manager.emplace(bench.x());
    bench.wait([chase, &bench](clock::time_point now) { return chase->go_on(bench, now); },
               [chase] {
                 chase->manager.reset();
                 chase->answer(http::problem(x_gone()));
               });
  });
}

wish simple(const char* name, window_request what,
            bool (*reached)(const std::optional<window_info>&), bool focuses = false) {
  return {name, [what](desktop::windows& tops, std::uint32_t id) { return tops.ask(id, what); },
          [reached](const std::optional<window_info>&, const std::optional<window_info>& now) {
            return reached(now);
          },
          focuses};
}

void move_window(const gateway_deps& deps, const gateway_call& call) {
  auto body = body_object(call.request);
  auto x = body ? act_fields::read_number(*body, "x", -max_coordinate, max_coordinate)
                : result<int>{body.error()};
  auto y = x ? act_fields::read_number(*body, "y", -max_coordinate, max_coordinate) : x;
  if (!y)
    return call.answer(http::problem(y.error()));
  desktop::point to{*x, *y};
  pursue(deps, call,
         {"move_window",
          [to](desktop::windows& tops, std::uint32_t id) { return tops.move(id, to); },
          [to](const auto&, const std::optional<window_info>& now) {
            return !now || (now->outer.x == to.x && now->outer.y == to.y);
          }});
}

void resize_window(const gateway_deps& deps, const gateway_call& call) {
  auto body = body_object(call.request);
  auto width
    = body ? act_fields::read_number(*body, "width", 1, max_coordinate) : result<int>{body.error()};
  auto height = width ? act_fields::read_number(*body, "height", 1, max_coordinate) : width;
  if (!height)
    return call.answer(http::problem(height.error()));
  auto w = static_cast<unsigned>(*width);
  auto h = static_cast<unsigned>(*height);
  pursue(deps, call,
         {"resize_window",
          [w, h](desktop::windows& tops, std::uint32_t id) { return tops.resize(id, w, h); },
          [w, h](const auto&, const std::optional<window_info>& now) {
            return !now || (now->inner.width == w && now->inner.height == h);
          }});
}

} // namespace

json window_json(const window_info& what) {
  json out{{"id", std::to_string(what.id)},
           {"title", what.title},
           {"x", what.inner.x},
           {"y", what.inner.y},
           {"width", what.inner.width},
           {"height", what.inner.height},
           {"isActive", what.active},
           {"frame",
            {{"x", what.outer.x},
             {"y", what.outer.y},
             {"width", what.outer.width},
             {"height", what.outer.height}}},
           {"app", what.app},
           {"minimised", what.minimised},
           {"maximised", what.maximised}};
  if (what.pid != 0)
    out["pid"] = what.pid;
  return out;
}

void gateway::add_window_routes() {
  using http::scope;
  get("/v1/desktop/windows", scope::view, [this](const gateway_call& call) {
    deps_.door->post([answer = call.answer](const result<desktop::workbench*>& bench) {
      auto all = bench ? (*bench)->tops().list() : result<std::vector<window_info>>{bench.error()};
      if (!all)
        return answer(http::problem(all.error()));
      json out = json::array();
      for (const auto& one : *all)
        out.push_back(window_json(one));
      answer(http::json_response(200, {{"windows", out}}));
    });
  });
  get("/v1/desktop/windows/focused", scope::view, [this](const gateway_call& call) {
    deps_.door->post([answer = call.answer](const result<desktop::workbench*>& bench) {
      auto top
        = bench ? (*bench)->tops().focused() : result<std::optional<window_info>>{bench.error()};
      if (!top)
        return answer(http::problem(top.error()));
      if (!*top)
        return answer(named_not_found("no_focused_window", "No window currently has focus"));
      answer(http::json_response(200, window_json(**top)));
    });
  });
  auto add_wish = [this](std::string_view pattern, const wish& what) {
    post(pattern, scope::input,
         [this, what](const gateway_call& call) { pursue(deps_, call, what); });
  };
  using maybe = const std::optional<window_info>&;
  add_wish("/v1/desktop/windows/{id}/focus",
           simple(
             "focus", window_request::focus, [](maybe now) { return !now || now->active; }, true));
  add_wish("/v1/desktop/windows/{id}/close",
           simple("close", window_request::close, [](maybe now) { return !now; }));
  add_wish(
    "/v1/desktop/windows/{id}/minimise",
    simple("minimise", window_request::minimise, [](maybe now) { return !now || now->minimised; }));
  add_wish(
    "/v1/desktop/windows/{id}/maximise",
    simple("maximise", window_request::maximise, [](maybe now) { return !now || now->maximised; }));
  add_wish("/v1/desktop/windows/{id}/restore",
           simple(
             "restore", window_request::restore,
             [](maybe now) { return !now || (!now->minimised && !now->maximised); }, true));
  post("/v1/desktop/windows/{id}/move", scope::input,
       [this](const gateway_call& call) { move_window(deps_, call); });
  post("/v1/desktop/windows/{id}/resize", scope::input,
       [this](const gateway_call& call) { resize_window(deps_, call); });
}

} // namespace holt
