// SPDX-License-Identifier: Apache-2.0
#include "actors/gateway.hpp"

#include "actors/file_api_fields.hpp"
#include "transport/json_guard.hpp"
#include "transport/log.hpp"

namespace holt {

namespace {

constexpr std::uint64_t realtime_body_bytes = 8'000'000; ///< as the original's
constexpr std::uint64_t stranger_body_bytes = 16 * 1024; ///< without a key: to be told 401

} // namespace

gateway::gateway(gateway_deps deps)
  : deps_{std::move(deps)},
    sockets_{std::make_shared<http::session_sockets>(deps_.executor, deps_.authority)} {
  add_document_routes();
  add_health_routes();
  add_session_routes();
  add_token_routes();
  add_tree_routes();
  add_desktop_routes();
  add_control_routes();
  add_screen_routes();
  add_input_routes();
  add_window_routes();
  add_accessibility_routes();
  add_clipboard_routes();
  add_launch_routes();
  add_recording_routes();
  add_link_routes();
  add_process_routes();
  add_terminal_routes();
  add_file_routes();
}

void gateway::add(std::string_view method, std::string_view pattern, route what) {
  router_.add(method, pattern, what.websocket ? route_kind::websocket : route_kind::http);
  what.method = method;
  what.pattern = pattern;
  routes_.push_back(std::move(what));
}

void gateway::get(std::string_view pattern, http::scopes needs, http_handler what) {
  add("GET", pattern, {needs, false, std::move(what), nullptr});
}

void gateway::post(std::string_view pattern, http::scopes needs, http_handler what) {
  add("POST", pattern, {needs, false, std::move(what), nullptr});
}

void gateway::websocket(std::string_view pattern, http::scopes needs, ws_handler what) {
  add("GET", pattern, {needs, false, nullptr, std::move(what)});
}

void gateway::open_route(std::string_view method, std::string_view pattern, http_handler what) {
  add(method, pattern, {{}, true, std::move(what), nullptr});
}

result<http::identity> gateway::identify(const http::request& head, bool websocket) const {
  if (!deps_.need_token) {
    http::identity anybody;
    anybody.scopes = http::all_scopes;
    anybody.name = "local";
    return anybody;
  }
  return deps_.authority->identify(head, websocket);
}

result<std::uint64_t> gateway::admit(const http::request& head) {
  if (is_realtime(head))
    return deps_.broker->knows(head) ? realtime_body_bytes : stranger_body_bytes;
  auto found = router_.find(head);
  if (!found.ok) {
    bool page = deps_.page && (head.method == "GET" || head.method == "HEAD")
                && head.path.rfind("/v1/", 0) != 0;
    if (page)
      return std::uint64_t{0};
    return error{found.miss.code, found.miss.code == errc::method_not_allowed
                                    ? "this route takes " + found.miss.allow
                                  : found.miss.code == errc::not_found ? "endpoint not found"
                                                                       : "malformed path"};
  }
  const auto& target = routes_[found.match.index];
  if (target.open)
    return deps_.max_body_bytes;
  auto who = identify(head, target.websocket != nullptr);
  if (!who)
    return who.error();
  if (!who->may(target.needs))
    return error{errc::forbidden, "this token lacks the scope " + http::to_string(target.needs)};
  return target.max_body_bytes != 0 ? target.max_body_bytes : deps_.max_body_bytes;
}

bool gateway::knows(const http::request& head) {
  if (is_realtime(head))
    return !deps_.need_token || deps_.broker->knows(head);
  return !deps_.need_token || deps_.authority->knows(head);
}

std::vector<http::header> gateway::refusal_headers(const http::request& head, const error& why) {
  switch (why.code) {
  case errc::method_not_allowed: return {{"Allow", router_.find(head).miss.allow}};
  case errc::token_invalid: return {{"WWW-Authenticate", "Bearer"}};
  case errc::too_many_requests: return {{"Retry-After", "60"}};
  default: return {};
  }
}

void gateway::handle(http::request what, http::reply answer) {
  if (is_realtime(what))
    return deps_.broker->handle(std::move(what), std::move(answer));
  auto found = router_.find(what);
  if (!found.ok) {
    if (deps_.page)
      answer(deps_.page->serve(what));
    else
      answer(http::problem({found.miss.code, "endpoint not found"}));
    return;
  }
  const auto& target = routes_[found.match.index];
  if (target.websocket) {
    answer(http::problem({errc::upgrade_required, "this route is a WebSocket"}));
    return;
  }
  gateway_call call{std::move(what), std::move(found.match.params), {}, std::move(answer)};
  if (!target.open) {
    // admit() let it in a moment ago; a one-time credential never comes this way.
    auto who = identify(call.request, false);
    if (!who)
      return call.answer(http::problem(who.error()));
    call.who = std::move(*who);
  }
  target.http(std::move(call));
}

void gateway::handle_upgrade(http::upgrade_ptr what) {
  if (is_realtime(what->head()))
    return deps_.broker->handle_upgrade(std::move(what));
  auto found = router_.find(what->head());
  if (!found.ok)
    return what->refuse(http::problem({errc::not_found, "endpoint not found"}));
  const auto& target = routes_[found.match.index];
  if (!target.websocket)
    return what->refuse(http::problem({errc::invalid_request, "this route is no WebSocket"}));
  auto who
    = deps_.need_token ? deps_.authority->consume(what->head()) : identify(what->head(), true);
  if (!who)
    return what->refuse(http::problem(who.error()));
  if (!who->may(target.needs))
    return what->refuse(http::problem({errc::forbidden, "this token lacks a scope"}));
  target.websocket(sockets_->bind(std::move(what), *who), *who);
}

void gateway::drop_followers() {
  std::unordered_map<std::uint64_t, std::weak_ptr<http::ws_connection>> all;
  {
    std::lock_guard guard{followers_mutex_};
    all.swap(followers_);
  }
  for (const auto& [id, weak] : all)
    if (auto socket = weak.lock())
      socket->close(1012, "the feed was restarted");
}

void answer_outcome(const http::reply& answer, const result<void>& got) {
  if (!got)
    return answer(http::problem(got.error()));
  http::response out;
  out.status = 204;
  answer(std::move(out));
}

result<nlohmann::json> body_object(const http::request& request) {
  if (request.body.empty())
    return {boost::system::in_place_value, nlohmann::json::object()};
  auto type = request.header_value("content-type");
  if (!type.empty() && type.rfind("application/json", 0) != 0)
    return error{errc::unsupported_type, "the body must be application/json"};
  auto parsed = http::parse_json(request.body);
  if (!parsed)
    return parsed.error();
  if (!parsed->is_object())
    return error{errc::unprocessable, "the body must be a JSON object"};
  return parsed;
}

result<nlohmann::json> own_body(const http::request& request,
                                std::initializer_list<std::string_view> fields) {
  auto body = body_object(request);
  if (!body)
    return body;
  if (auto known = only_fields(*body, fields); !known)
    return known.error();
  return body;
}

} // namespace holt
