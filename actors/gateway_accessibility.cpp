// SPDX-License-Identifier: Apache-2.0

// What is on the desktop as structure, and acts on its parts by their ids. Reads like a picture
// (an epoch that was named must still hold), acts like a click. The tree is read on the thread of
// the accessibility bus, where the answers are made too.

#include "actors/accessibility_json.hpp"
#include "actors/act_limits.hpp"
#include "actors/gateway.hpp"
#include "actors/query_fields.hpp"
#include "desktop/workbench.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

namespace holt {

namespace {

using accessibility::act;
using accessibility::act_kind;
using accessibility::question;
using desktop::window_info;
using nlohmann::json;
using std::chrono::milliseconds;

namespace limit = act_limits;

http::response unavailable(const std::string& why) {
  return http::problem({errc::busy, why}, {{"type", "urn:holt:error:accessibility_unavailable"},
                                           {"title", "Accessibility Unavailable"},
                                           {"code", "accessibility_unavailable"}});
}

http::response node_problem(const error& why) {
  if (why.code == errc::not_found)
    return named_not_found("node_not_found", why.detail);
  return why.code == errc::busy ? unavailable(why.detail) : http::problem(why);
}

/// The desk, or null: then it is answered.
accessibility::desk_ptr desk_of(const gateway_deps& deps, const gateway_call& call) {
  if (!deps.context || deps.context->display().empty()) {
    call.answer(
      http::problem({errc::desktop_runtime_inactive, "Desktop runtime has not been started"}));
    return nullptr;
  }
  if (!deps.context->accessibility()) {
    call.answer(unavailable("it is switched off by desktop.accessibility"));
    return nullptr;
  }
  if (accessibility::launcher_program().empty()) {
    call.answer(unavailable(std::string{"at-spi-bus-launcher is not installed: apt-get install "}
                            + accessibility::launcher_package));
    return nullptr;
  }
  return deps.context->accessibility();
}

/// What a caller wants to see.
struct view_wish {
  question what;
  std::optional<std::uint32_t> window; ///< only this one of the X server
};

std::optional<std::string> text_of(const http::request& request, std::string_view name) {
  auto got = request.query_value(name);
  return got ? std::optional<std::string>{*got} : std::nullopt;
}

result<view_wish> read_view(const http::request& request, bool find) {
  view_wish out;
  auto& what = out.what;
  what.find = find;
  what.from = text_of(request, "node");
  what.app = text_of(request, "app");
  // A node says where to begin; what else would say it does not count then.
  if (auto window = what.from ? std::nullopt : request.query_value("window")) {
    auto id = window_id(*window);
    if (!id)
      return id.error();
    out.window = *id;
  }
  auto number = [&request](const char* name, int min, int max, auto put) -> result<void> {
    auto got = query_number(request, name, min, max);
    if (!got)
      return got.error();
    if (*got)
      put(**got);
    return {};
  };
  auto pid = number("pid", 1, 0x7fffffff, [&](int n) { what.pid = static_cast<std::uint32_t>(n); });
  auto depth
    = number("depth", 0, limit::tree_depth, [&](int n) { what.depth = static_cast<unsigned>(n); });
  auto nodes = number(find ? "nodes" : "limit", 1, limit::tree_nodes,
                      [&](int n) { what.nodes = static_cast<std::size_t>(n); });
  auto text = number("text", 0, limit::tree_text,
                     [&](int n) { what.text_limit = static_cast<std::size_t>(n); });
  auto time = number("timeoutMs", 1, limit::tree_patience_ms,
                     [&](int n) { what.patience = milliseconds{n}; });
  for (const auto* one : {&pid, &depth, &nodes, &text, &time})
    if (!*one)
      return one->error();
  if (request.query_value("showing")) {
    auto showing = query_flag(request, "showing");
    if (!showing)
      return showing.error();
    what.only_showing = *showing;
  }
  if (!find)
    return out;
  if (!request.query_value("nodes"))
    what.nodes = limit::tree_nodes;
  what.role = text_of(request, "role");
  what.name = text_of(request, "name");
  what.state = text_of(request, "state");
  auto exact = query_flag(request, "exact");
  if (!exact)
    return exact.error();
  what.whole_name = *exact;
  if (auto most = number("limit", 1, limit::tree_matches,
                         [&](int n) { what.matches = static_cast<std::size_t>(n); });
      !most)
    return most.error();
  return out;
}

/// How many read at once; a reading costs its programs time.
class reading_gate {
public:
  bool enter() {
    if (++now_ <= limit::tree_readings)
      return true;
    --now_;
    return false;
  }
  void leave() { --now_; }

private:
  std::atomic<int> now_{0};
};

using reading_gate_ptr = std::shared_ptr<reading_gate>;

void read_tree(const control_gate_ptr& gate, const accessibility::desk_ptr& desk, view_wish wish,
               const control::caller& who, const std::vector<window_info>& windows,
               const reading_gate_ptr& readings, const http::reply& answer) {
  if (wish.window) {
    auto i = std::find_if(windows.begin(), windows.end(),
                          [&](const window_info& one) { return one.id == *wish.window; });
    if (i == windows.end())
      return answer(
        window_problem({errc::not_found, "Window " + std::to_string(*wish.window) + " not found"}));
    if (i->pid != 0)
      wish.what.pid = i->pid;
    wish.what.title = i->title;
  }
  if (!readings->enter())
    return answer(http::problem({errc::too_many_requests, "the tree is being read already"}));
  const auto begun = std::chrono::steady_clock::now();
  desk->read(wish.what, [gate, wish, who, windows, readings, answer,
                         begun](const result<accessibility::answer>& got) {
    readings->leave();
    if (auto may = gate->may_look(who); !may)
      return answer(control_problem(gate, who, may.error()));
    if (!got)
      return answer(node_problem(got.error()));
    const auto took
      = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun);
    answer(
      http::json_response(200, {{"nodes", wish.what.find ? found_json(*got, windows, wish.window)
                                                         : tree_json(*got, windows, wish.window)},
                                {"truncated", got->truncated},
                                {"timedOut", got->timed_out},
                                {"durationMs", took.count()}}));
  });
}

void look(const gateway_deps& deps, const gateway_call& call, bool find,
          const reading_gate_ptr& readings) {
  auto who = caller_of(deps, call);
  if (!who)
    return call.answer(http::problem(who.error()));
  if (auto may = deps.gate->may_look(*who); !may)
    return call.answer(control_problem(deps.gate, *who, may.error()));
  auto wish = read_view(call.request, find);
  if (!wish)
    return call.answer(window_problem(wish.error()));
  auto desk = desk_of(deps, call);
  if (!desk)
    return;
  // Which window is which is known by the X server.
  deps.door->post(
    [gate = deps.gate, desk, wish = *wish, who = *who, readings,
     answer = with_epoch(deps.gate, call.answer)](const result<desktop::workbench*>& bench) {
      auto windows
        = bench ? (*bench)->tops().list() : result<std::vector<window_info>>{bench.error()};
      if (!windows)
        return answer(http::problem(windows.error()));
      read_tree(gate, desk, wish, who, *windows, readings, answer);
    });
}

/// U+FDD0 to U+FDEF and the last two of each plane, which the bus refuses. `text` is UTF-8.
bool holds_noncharacter(std::string_view text) {
  auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    if (byte(i) == 0xef && byte(i + 1) == 0xb7 && byte(i + 2) >= 0x90 && byte(i + 2) <= 0xaf)
      return true;
    const bool last = byte(i + 1) == 0xbf && byte(i + 2) >= 0xbe && byte(i + 2) <= 0xbf;
    if (last && (byte(i) == 0xef || (i > 0 && byte(i - 1) >= 0xf0 && (byte(i) & 0x0f) == 0x0f)))
      return true;
  }
  return false;
}

/// The body of an act, without what it does not know.
result<json> own_fields(const http::request& request, act_kind kind) {
  switch (kind) {
  case act_kind::action: return own_body(request, {"action"});
  case act_kind::focus: return own_body(request, {});
  case act_kind::text: return own_body(request, {"text"});
  case act_kind::value: return own_body(request, {"value"});
  }
  return own_body(request, {});
}

result<std::string> read_string(const json& body, const char* name, bool needed) {
  auto i = body.find(name);
  if (i == body.end() || i->is_null())
    return needed
             ? result<std::string>{error{errc::unprocessable, std::string{name} + " is missing"}}
             : result<std::string>{std::string{}};
  if (!i->is_string())
    return error{errc::unprocessable, std::string{name} + " must be a string"};
  auto text = i->get<std::string>();
  if (text.find('\0') != std::string::npos)
    return error{errc::invalid_request, std::string{name} + " must not hold a NUL"};
  if (holds_noncharacter(text))
    return error{errc::unprocessable,
                 std::string{name} + " must not hold a noncharacter of Unicode, such as U+FFFF"};
  return text;
}

result<void> read_fields(act& into, const json& body) {
  switch (into.kind) {
  case act_kind::focus: return {};
  case act_kind::action: {
    auto name = read_string(body, "action", false);
    if (!name)
      return name.error();
    if (!name->empty())
      into.action = *name;
    return {};
  }
  case act_kind::text: {
    auto text = read_string(body, "text", true);
    if (!text)
      return text.error();
    into.text = std::move(*text);
    return {};
  }
  case act_kind::value: {
    auto i = body.find("value");
    if (i == body.end() || i->is_null())
      return error{errc::unprocessable, "value is missing"};
    if (!i->is_number() || !std::isfinite(i->get<double>()))
      return error{errc::unprocessable, "value must be a number"};
    into.value = i->get<double>();
    return {};
  }
  }
  return {};
}

/// The node afterwards, where it is still there.
void show_node(const accessibility::desk_ptr& desk, const std::string& id,
               const http::reply& answer) {
  question what;
  what.from = id;
  what.depth = 0;
  what.only_showing = false;
  what.patience = milliseconds{3'000};
  desk->read(what, [answer](const result<accessibility::answer>& got) {
    json out{{"ok", true}};
    if (got && !got->roots.empty() && !got->nodes[got->roots.front()].timed_out) {
      auto one = got->nodes[got->roots.front()];
      one.cut = false; // its children were not asked for
      out["node"] = node_json(one);
    }
    answer(http::json_response(200, out));
  });
}

void perform(const gateway_deps& deps, const gateway_call& call, act_kind kind, const char* name) {
  auto actor = actor_of(deps, call);
  if (!actor)
    return;
  act what;
  what.kind = kind;
  what.id = call.params.find("id")->second;
  auto body = own_fields(call.request, kind);
  auto fields = body ? read_fields(what, *body) : result<void>{body.error()};
  if (!fields)
    return call.answer(http::problem(fields.error()));
  auto desk = desk_of(deps, call);
  if (!desk)
    return;
  what.may = [gate = deps.gate, actor = *actor, activity = deps.activity, name, id = what.id,
              who = call.who.name]() -> result<void> {
    if (auto may = gate->may_act(actor); !may)
      return may;
    activity.send(activity_append{"act", {{"act", name}, {"node", id}, {"name", who}}});
    return {};
  };
  auto answer = with_epoch(deps.gate, call.answer);
  desk->perform(what, [desk = std::weak_ptr{desk}, id = what.id, gate = deps.gate, actor = *actor,
                       answer](const result<void>& got) {
    if (!got)
      return answer(got.error().code == errc::control_held
                      ? control_problem(gate, actor, got.error())
                      : node_problem(got.error()));
    if (auto mine = desk.lock())
      show_node(mine, id, answer);
  });
}

} // namespace

void gateway::add_accessibility_routes() {
  using http::scope;
  auto readings = std::make_shared<reading_gate>();
  get("/v1/desktop/accessibility", scope::view,
      [this, readings](const gateway_call& call) { look(deps_, call, false, readings); });
  get("/v1/desktop/accessibility/find", scope::view,
      [this, readings](const gateway_call& call) { look(deps_, call, true, readings); });
  auto add_act = [this](std::string_view pattern, act_kind kind, const char* name) {
    post(pattern, scope::input,
         [this, kind, name](const gateway_call& call) { perform(deps_, call, kind, name); });
  };
  add_act("/v1/desktop/accessibility/{id}/action", act_kind::action, "node_action");
  add_act("/v1/desktop/accessibility/{id}/focus", act_kind::focus, "node_focus");
  add_act("/v1/desktop/accessibility/{id}/text", act_kind::text, "node_text");
  add_act("/v1/desktop/accessibility/{id}/value", act_kind::value, "node_value");
}

} // namespace holt
