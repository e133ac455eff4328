// SPDX-License-Identifier: Apache-2.0

// The desktop and its live view: status, start, stop, signaling. Fields as the clients of
// npm sandbox-agent 0.4.2 know them (reference/http-api.md); ours are added beside them.

#include "actors/act_limits.hpp"
#include "actors/gateway.hpp"
#include "actors/window_json.hpp"
#include "actors/x_client.hpp"
#include "desktop/workbench.hpp"
#include "messages/time_text.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <array>
#include <atomic>

namespace holt {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using supervision::tree_report;

constexpr auto start_limit = 15s;
constexpr auto stop_limit = 12s;
constexpr auto windows_limit = 500ms; ///< of a status; an X server that hangs must not hide itself

struct part {
  const char* id;
  const char* name;    ///< as the published clients show it
  const char* package; ///< empty: not a program of the distribution
};
constexpr std::array<part, 7> parts{{{"x_server", "Xvfb", "xvfb"},
                                     {"window_manager", "openbox", "openbox"},
                                     {"session_bus", "dbus", "dbus"},
                                     {"audio", "pulseaudio", "pulseaudio"},
                                     {"panel", "tint2", "tint2"},
                                     {"x_client", "x_client", ""},
                                     {"engine", "engine", ""}}};

bool missing_program(const child_snapshot& node) {
  return node.state == child_state::failed
         && node.reason.find("is not installed") != std::string::npos;
}

const char* state_word(const tree_report& tree) {
  const auto* group = find_node(tree, "desktop");
  const auto* server = find_node(tree, "x_server");
  if (group == nullptr || server == nullptr)
    return "inactive";
  if (missing_program(*server))
    return "install_required";
  switch (group->state) {
  case child_state::ready: return "active";
  case child_state::failed: return "failed";
  case child_state::idle:
  case child_state::stopped: return "inactive";
  case child_state::stopping:
  case child_state::killing: return "stopping";
  default: return "starting";
  }
}

json status_document(const gateway_deps& deps, const tree_report& tree) {
  json out{{"state", state_word(tree)},
           {"missingDependencies", json::array()},
           {"processes", json::array()},
           {"runtimeLogPath", deps.log_dir + "/holt.jsonl"}};
  std::string packages;
  for (const auto& part : parts) {
    const auto* node = find_node(tree, part.id);
    if (node == nullptr)
      continue;
    if (missing_program(*node)) {
      out["missingDependencies"].push_back(part.name);
      packages += std::string{" "} + part.package;
    }
    if (node->kind != child_kind::process || node->pid == 0)
      continue;
    auto name = std::string{part.id} == "engine"
                  ? (deps.engine.name == "neko" ? "neko" : "holt-stream")
                  : part.name;
    out["processes"].push_back({{"name", name},
                                {"id", node->id},
                                {"pid", node->pid},
                                {"running", true},
                                {"logPath", deps.log_dir + "/" + node->id + ".log"}});
  }
  if (!packages.empty())
    out["installCommand"] = "apt-get install" + packages;
  if (const auto* server = find_node(tree, "x_server")) {
    if (server->state == child_state::ready && deps.context) {
      auto size = deps.context->size();
      out["display"] = deps.context->display();
      out["xauthority"] = deps.context->xauthority();
      out["resolution"]
        = {{"width", size.width}, {"height", size.height}, {"dpi", deps.context->dpi()}};
      if (server->uptime)
        out["startedAt"] = to_rfc3339(std::chrono::system_clock::now() - *server->uptime);
    }
    if (server->state == child_state::failed)
      out["lastError"]
        = {{"code", missing_program(*server) ? "desktop_dependencies_missing" : "desktop_failed"},
           {"message", server->reason}};
  }
  return out;
}

/// Status with the windows of a running desktop; without them where the X server does not say.
void answer_status(const gateway_deps& deps, const tree_report& tree, const http::reply& answer) {
  auto out = std::make_shared<json>(status_document(deps, tree));
  if ((*out)["state"] != "active")
    return answer(http::json_response(200, *out));
  auto late = std::make_shared<boost::asio::steady_timer>(boost::asio::make_strand(deps.executor),
                                                          windows_limit);
  auto answered = std::make_shared<std::atomic_bool>(false);
  late->async_wait([=](const boost::system::error_code&) {
    if (!answered->exchange(true))
      answer(http::json_response(200, *out));
  });
  deps.door->post([=](const result<desktop::workbench*>& bench) {
    auto all
      = bench ? (*bench)->tops().list() : result<std::vector<desktop::window_info>>{bench.error()};
    if (answered->exchange(true))
      return;
    if (all)
      for (const auto& one : *all)
        (*out)["windows"].push_back(window_json(one));
    answer(http::json_response(200, *out));
    boost::asio::post(late->get_executor(), [late] { late->cancel(); });
  });
}

json stream_document(const gateway_deps& deps, const tree_report& tree) {
  const auto* engine = find_node(tree, "engine");
  json out{{"active", engine != nullptr && engine->state == child_state::ready}};
  if (engine == nullptr)
    return out;
  out["engine"] = deps.engine.name;
  out["engineVersion"] = deps.engine.version;
  out["state"] = to_string(engine->state);
  if (!engine->reason.empty())
    out["reason"] = engine->reason;
  return out;
}

bool is(const tree_report& tree, const child_id& id, std::initializer_list<child_state> states) {
  const auto* node = find_node(tree, id);
  return node == nullptr || std::find(states.begin(), states.end(), node->state) != states.end();
}

struct wanted_size {
  desktop::screen_size size;
  unsigned dpi = 0;
  bool given = false;
};

result<unsigned> in_range(const json& body, const char* name, unsigned otherwise, unsigned min,
                          unsigned max) {
  if (!body.contains(name) || body[name].is_null())
    return otherwise;
  const auto& value = body[name];
  if (!value.is_number_integer())
    return error{errc::unprocessable, std::string{name} + " must be a whole number"};
  auto n = value.get<std::int64_t>();
  if (n < min || n > max)
    return error{errc::desktop_invalid_action, std::string{name} + " must be from "
                                                 + std::to_string(min) + " to "
                                                 + std::to_string(max)};
  return static_cast<unsigned>(n);
}

result<wanted_size> read_size(const gateway_deps& deps, const json& body) {
  // Without a desktop what is asked for is still looked at.
  const auto now = deps.context ? deps.context->size() : desktop::screen_size{1280, 720, 0};
  const auto now_dpi = deps.context ? deps.context->dpi() : 96u;
  wanted_size out;
  auto width = in_range(body, "width", now.width, act_limits::min_side, deps.max_width);
  if (!width)
    return width.error();
  auto height = in_range(body, "height", now.height, act_limits::min_side, deps.max_height);
  if (!height)
    return height.error();
  auto dpi = in_range(body, "dpi", now_dpi, act_limits::min_dpi, act_limits::max_dpi);
  if (!dpi)
    return dpi.error();
  out.size = {*width, *height, 0};
  out.dpi = *dpi;
  out.given = out.size.width != now.width || out.size.height != now.height || out.dpi != now_dpi;
  return out;
}

error no_desktop() {
  return {errc::desktop_runtime_inactive,
          "this daemon runs without a desktop (desktop.enabled is false)"};
}

/// A whole start or stop: `act`, wait until `enough`, show `document`.
struct change {
  void (tree_client::*act)(const child_id&, tree_client::answer<void>) const;
  child_id id;
  tree_client::predicate enough;
  std::chrono::milliseconds limit;
  json (*document)(const gateway_deps&, const tree_report&);
};

void run_change(const gateway_deps& deps, const change& what, const http::reply& answer) {
  ((*deps.tree).*what.act)(what.id, [=](const result<void>& got) {
    if (!got)
      return answer(http::problem(got.error()));
    deps.tree->wait(what.enough, what.limit, [=](const result<tree_report>& tree) {
      answer(tree ? http::json_response(200, what.document(deps, *tree))
                  : http::problem(tree.error()));
    });
  });
}

constexpr auto at_rest = {child_state::idle, child_state::stopped, child_state::failed};

void start_desktop(const gateway_deps& deps, const gateway_call& call) {
  auto body = body_object(call.request);
  if (!body)
    return call.answer(http::problem(body.error()));
  auto wanted = read_size(deps, *body);
  if (!wanted)
    return call.answer(http::problem(wanted.error()));
  // Which display it is, the X server finds out; a number that cannot be one is a mistake all the
  // same.
  if (auto number = in_range(*body, "displayNum", 1, 1, 65535); !number)
    return call.answer(http::problem(number.error()));
  if (!deps.context)
    return call.answer(http::problem(no_desktop()));
  auto show = [deps, answer = call.answer] {
    run_change(deps,
               {&tree_client::start, "desktop",
                [](const tree_report& tree) {
                  return is(tree, "desktop", {child_state::ready, child_state::failed})
                         || is(tree, "x_server", {child_state::failed});
                },
                start_limit, status_document},
               answer);
  };
  if (!wanted->given)
    return show();
  deps.tree->snapshot([=, wanted = *wanted, answer = call.answer](const result<tree_report>& tree) {
    if (!tree || !is(*tree, "x_client", {child_state::ready})) {
      deps.context->set_size(wanted.size, wanted.dpi); // what starts now takes it from there
      return show();
    }
    deps.x_client.send(
      x_resize{wanted.size, wanted.dpi, [=](const result<desktop::screen_size>& got) {
                 if (!got)
                   return answer(http::problem(got.error()));
                 deps.context->set_size(*got, wanted.dpi);
                 show();
               }});
  });
}

void start_stream(const gateway_deps& deps, const http::reply& answer) {
  deps.tree->snapshot([=](const result<tree_report>& tree) {
    if (!tree)
      return answer(http::problem(tree.error()));
    if (is(*tree, "x_server", at_rest))
      return answer(http::problem({errc::conflict, "the desktop is not running; start it first"}));
    run_change(deps,
               {&tree_client::start, "engine",
                [](const tree_report& now) {
                  return is(now, "engine", {child_state::ready, child_state::failed});
                },
                start_limit, stream_document},
               answer);
  });
}

} // namespace

void gateway::add_desktop_routes() {
  using http::scope;
  auto show = [this](json (*document)(const gateway_deps&, const tree_report&)) {
    return [this, document](const gateway_call& call) {
      deps_.tree->snapshot(
        [deps = deps_, document, answer = call.answer](const result<tree_report>& tree) {
          answer(tree ? http::json_response(200, document(deps, *tree))
                      : http::problem(tree.error()));
        });
    };
  };
  get("/v1/desktop/status", scope::view, [this](const gateway_call& call) {
    deps_.tree->snapshot([deps = deps_, answer = call.answer](const result<tree_report>& tree) {
      if (!tree)
        return answer(http::problem(tree.error()));
      answer_status(deps, *tree, answer);
    });
  });
  get("/v1/desktop/stream/status", scope::view, show(stream_document));

  post("/v1/desktop/start", scope::input,
       [this](const gateway_call& call) { start_desktop(deps_, call); });
  post("/v1/desktop/stop", scope::input, [this, show](const gateway_call& call) {
    if (!deps_.context)
      return show(status_document)(call);
    run_change(deps_,
               {&tree_client::stop, "desktop",
                [](const tree_report& tree) { return is(tree, "desktop", at_rest); }, stop_limit,
                status_document},
               call.answer);
  });
  post("/v1/desktop/stream/start", scope::input, [this](const gateway_call& call) {
    if (!deps_.context)
      return call.answer(http::problem(no_desktop()));
    start_stream(deps_, call.answer);
  });
  post("/v1/desktop/stream/stop", scope::input, [this, show](const gateway_call& call) {
    if (!deps_.context)
      return show(stream_document)(call);
    run_change(deps_,
               {&tree_client::stop, "engine",
                [](const tree_report& tree) { return is(tree, "engine", at_rest); }, stop_limit,
                stream_document},
               call.answer);
  });

  websocket("/v1/desktop/stream/signaling", scope::view,
            [this](const http::upgrade_ptr& what, const http::identity& who) {
              if (!deps_.context)
                return what->refuse(http::problem(no_desktop()));
              signaling::browser browser;
              browser.name = who.name;
              browser.may_drive = who.may(http::scope::input);
              browser.may_take_from_others = who.may(http::scope::admin);
              browser.published_client = who.came_with_access_token;
              browser.key = session_key(deps_.need_token, what->head(), who);
              deps_.viewers.send(viewers_open{what, browser});
            });
}

} // namespace holt
