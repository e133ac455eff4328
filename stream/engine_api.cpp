// SPDX-License-Identifier: Apache-2.0
#include "stream/engine_api.hpp"

#include "transport/json_guard.hpp"

#include "stream/room_payload.hpp"

namespace holt::stream {

using nlohmann::json;

namespace {

constexpr std::uint64_t largest_body = 1024 * 1024; ///< a clipboard text
constexpr std::uint64_t largest_open_body = 16 * 1024;

std::string_view token_of(const http::request& what) {
  constexpr std::string_view bearer = "Bearer ";
  auto value = what.header_value("Authorization");
  if (value.starts_with(bearer))
    return value.substr(bearer.size());
  return what.query_value("token").value_or("");
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    auto slash = path.find('/');
    if (slash != 0)
      out.emplace_back(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  return out;
}

} // namespace

http::response neko_error(unsigned status, std::string_view message) {
  return http::json_response(status, {{"code", status}, {"message", message}});
}

http::response neko_json(const json& body) {
  return http::json_response(200, body);
}

http::response neko_empty() {
  http::response out;
  out.status = 204;
  return out;
}

engine_api::engine_api(std::shared_ptr<room> of, std::function<source_numbers()> numbers)
  : room_(std::move(of)), numbers_(std::move(numbers)) {}

const std::vector<engine_api::route>& engine_api::routes() {
  using self = engine_api;
  constexpr auto open = access::open;
  constexpr auto any = access::session;
  constexpr auto admin = access::admin;
  static const std::vector<route> table{
    {"GET", "health", open, &self::health},
    {"GET", "metrics", open, &self::metrics},
    {"POST", "api/login", open, &self::login},
    {"POST", "api/logout", any, &self::logout},
    {"GET", "api/whoami", any, &self::whoami},
    {"GET", "api/stats", any, &self::stats},
    {"GET", "api/sessions", any, &self::sessions},
    {"GET", "api/sessions/{id}", any, &self::session_of},
    {"DELETE", "api/sessions/{id}", admin, &self::end_session},
    {"POST", "api/sessions/{id}/disconnect", admin, &self::disconnect},
    {"GET", "api/members", admin, &self::members},
    {"POST", "api/members", admin, &self::create_member},
    {"GET", "api/members/{id}", admin, &self::member_of},
    {"POST", "api/members/{id}", admin, &self::update_member},
    {"POST", "api/members/{id}/password", admin, &self::member_password},
    {"DELETE", "api/members/{id}", admin, &self::delete_member},
    {"GET", "api/room/settings", admin, &self::settings},
    {"GET", "api/room/control", any, &self::control},
    {"POST", "api/room/control/request", any, &self::control_request},
    {"POST", "api/room/control/release", any, &self::control_release},
    {"POST", "api/room/control/take", admin, &self::control_take},
    {"POST", "api/room/control/give/{id}", any, &self::control_give},
    {"POST", "api/room/control/reset", admin, &self::control_reset},
    {"GET", "api/room/screen", any, &self::screen},
    {"POST", "api/room/screen", admin, &self::set_screen},
    {"GET", "api/room/screen/configurations", admin, &self::configurations},
    {"GET", "api/room/screen/shot.jpg", admin, &self::shot},
    {"GET", "api/room/keyboard/map", any, &self::keyboard_map},
    {"POST", "api/room/keyboard/map", any, &self::set_keyboard_map},
    {"GET", "api/room/keyboard/modifiers", any, &self::modifiers},
    {"POST", "api/room/keyboard/modifiers", any, &self::set_modifiers},
    {"GET", "api/room/clipboard", any, &self::clipboard},
    {"POST", "api/room/clipboard", any, &self::set_clipboard},
  };
  return table;
}

const engine_api::route* engine_api::find(const std::string& method,
                                          const std::vector<std::string>& segments, std::string& id,
                                          bool& known_path) const {
  for (const auto& one : routes()) {
    auto pattern = split(one.path);
    if (pattern.size() != segments.size())
      continue;
    bool fits = true;
    std::string found;
    for (std::size_t i = 0; i < pattern.size() && fits; ++i) {
      if (pattern[i] == "{id}")
        found = segments[i];
      else
        fits = pattern[i] == segments[i];
    }
    if (!fits)
      continue;
    known_path = true;
    if (one.method == method) {
      id = std::move(found);
      return &one;
    }
  }
  return nullptr;
}

result<std::uint64_t> engine_api::admit(const http::request& head) {
  // Who has no session yet sends small bodies only. Unknown routes are answered by handle().
  return room_->registry().find_token(token_of(head)) != nullptr ? largest_body : largest_open_body;
}

void engine_api::handle(http::request what, http::reply answer) {
  auto segments = what.segments();
  if (!segments)
    return answer(neko_error(400, segments.error().detail));
  std::erase(*segments, "");
  std::string id;
  bool known = false;
  const auto* to = find(what.method, *segments, id, known);
  if (to == nullptr)
    return answer(known ? neko_error(405, "method not allowed") : neko_error(404, "not found"));
  call c{what, {}, nullptr, std::move(id), std::move(answer)};
  if (to->who != access::open) {
    auto token = token_of(what);
    c.who = room_->registry().find_token(token);
    if (c.who == nullptr)
      return c.answer(
        neko_error(401, token.empty() ? "no authentication provided" : "session not found"));
    if (!c.who->who.can_login)
      return c.answer(neko_error(403, "session login disabled"));
    if (to->who == access::admin && !c.who->who.is_admin)
      return c.answer(neko_error(403, "session is not admin"));
  }
  if (!what.body.empty()) {
    auto parsed = http::parse_json(what.body);
    c.body = parsed ? std::move(*parsed) : json(json::value_t::discarded);
    if (c.body.is_discarded())
      return c.answer(neko_error(400, "unable to parse the body as JSON"));
  }
  (this->*to->run)(c);
}

void engine_api::handle_upgrade(http::upgrade_ptr what) {
  if (what->head().path != "/api/ws")
    return what->refuse(neko_error(404, "not found"));
  room_->open(std::move(what));
}

void engine_api::health(call& c) {
  if (auto fine = room_->media().healthy(); !fine)
    return c.answer(neko_error(503, fine.error().detail));
  c.answer(neko_json(true));
}

void engine_api::metrics(call& c) {
  http::response out;
  out.headers.push_back({"Content-Type", "text/plain; version=0.0.4"});
  out.body = std::make_shared<const std::string>(metrics_text(*room_, numbers_()));
  c.answer(std::move(out));
}

void engine_api::login(call& c) {
  if (!c.body.is_object())
    return c.answer(neko_error(400, "unable to parse the body as JSON"));
  auto made = room_->login(text_of(c.body, "username"), text_of(c.body, "password"));
  if (!made)
    return c.answer(neko_error(made.error().status, made.error().message));
  auto out = to_json(**made);
  out["token"] = (*made)->token;
  c.answer(neko_json(out));
}

void engine_api::logout(call& c) {
  if (c.who->api)
    return c.answer(neko_error(400, "the API session cannot log out"));
  room_->end_session(std::string{c.who->id}, "session deleted");
  c.answer(neko_json(true));
}

void engine_api::whoami(call& c) {
  c.answer(neko_json(to_json(*c.who)));
}

void engine_api::stats(call& c) {
  c.answer(neko_json(room_->stats_json()));
}

void engine_api::sessions(call& c) {
  auto out = json::array();
  for (const auto& [id, one] : room_->registry().sessions())
    out.push_back(to_json(one));
  c.answer(neko_json(out));
}

void engine_api::session_of(call& c) {
  auto* one = room_->registry().find(c.id);
  c.answer(one != nullptr ? neko_json(to_json(*one)) : neko_error(404, "session not found"));
}

void engine_api::end_session(call& c) {
  if (c.id == c.who->id || room_->registry().find(c.id) == nullptr)
    return c.answer(neko_error(400, "session not found, or it is your own"));
  room_->end_session(c.id, "session deleted");
  c.answer(neko_empty());
}

void engine_api::disconnect(call& c) {
  if (room_->registry().find(c.id) == nullptr)
    return c.answer(neko_error(400, "session not found"));
  room_->disconnect(c.id, "session disconnected");
  c.answer(neko_empty());
}

void engine_api::members(call& c) {
  auto out = json::array();
  for (const auto& [id, one] : room_->registry().members())
    out.push_back(to_json(one));
  c.answer(neko_json(out));
}

void engine_api::create_member(call& c) {
  if (!c.body.is_object())
    return c.answer(neko_error(400, "unable to parse the body as JSON"));
  auto who = merge_profile({}, c.body.value("profile", json::object()));
  if (!who)
    return c.answer(neko_error(who.error().status, who.error().message));
  auto made = room_->registry().create(std::string{text_of(c.body, "username")},
                                       std::string{text_of(c.body, "password")}, *who);
  c.answer(made ? neko_json(to_json(**made))
                : neko_error(made.error().status, made.error().message));
}

void engine_api::member_of(call& c) {
  const auto* one = room_->registry().find_member(c.id);
  c.answer(one != nullptr ? neko_json(to_json(one->who)) : neko_error(404, "member not found"));
}

void engine_api::update_member(call& c) {
  auto changed = room_->registry().update(c.id, c.body);
  if (!changed)
    return c.answer(neko_error(changed.error().status, changed.error().message));
  room_->apply_profile(c.id);
  c.answer(neko_empty());
}

void engine_api::member_password(call& c) {
  auto changed = c.body.is_object()
                   ? room_->registry().set_password(c.id, std::string{text_of(c.body, "password")})
                   : api_result<void>{api_error{400, "unable to parse the body as JSON"}};
  c.answer(changed ? neko_empty() : neko_error(changed.error().status, changed.error().message));
}

void engine_api::delete_member(call& c) {
  auto gone = room_->registry().erase_member(c.id);
  if (!gone)
    return c.answer(neko_error(gone.error().status, gone.error().message));
  room_->end_session(c.id, "session deleted");
  c.answer(neko_empty());
}

} // namespace holt::stream
