// SPDX-License-Identifier: Apache-2.0
#include "stream/session.hpp"

#include "messages/time_text.hpp"
#include "stream/ice.hpp"
#include "transport/digest.hpp"

#include <array>
#include <utility>

namespace holt::stream {

using nlohmann::json;

namespace {

constexpr std::size_t token_characters = 64;
constexpr std::size_t longest_name = 128;

constexpr std::array flags{
  std::pair{"is_admin", &profile::is_admin},
  std::pair{"can_login", &profile::can_login},
  std::pair{"can_connect", &profile::can_connect},
  std::pair{"can_watch", &profile::can_watch},
  std::pair{"can_host", &profile::can_host},
  std::pair{"can_share_media", &profile::can_share_media},
  std::pair{"can_access_clipboard", &profile::can_access_clipboard},
  std::pair{"sends_inactive_cursor", &profile::sends_inactive_cursor},
  std::pair{"can_see_inactive_cursors", &profile::can_see_inactive_cursors},
};

void put(json& out, const char* name, const std::optional<session::time>& when) {
  if (when)
    out[name] = to_rfc3339(*when);
}

} // namespace

bool profile::dom_wheel() const {
  auto at = plugins.find("wheel");
  return at != plugins.end() && *at == "dom";
}

json to_json(const profile& value) {
  json out{{"name", value.name}, {"plugins", value.plugins}};
  for (const auto& [name, flag] : flags)
    out[name] = value.*flag;
  return out;
}

api_result<profile> merge_profile(profile base, const json& from) {
  if (!from.is_object())
    return api_error{422, "profile is not an object"};
  for (const auto& [name, flag] : flags)
    if (auto at = from.find(name); at != from.end()) {
      if (!at->is_boolean())
        return api_error{422, std::string{name} + " is not a boolean"};
      base.*flag = at->get<bool>();
    }
  if (auto at = from.find("name"); at != from.end()) {
    if (!at->is_string() || at->get_ref<const std::string&>().size() > longest_name)
      return api_error{422, "name is not a string of at most 128 bytes"};
    base.name = at->get<std::string>();
  }
  if (auto at = from.find("plugins"); at != from.end()) {
    if (!at->is_object() && !at->is_null())
      return api_error{422, "plugins is not an object"};
    base.plugins = at->is_null() ? json::object() : *at;
  }
  return base;
}

void session::set_connected(bool on, time now) {
  if (connected == on && (connected_since || not_connected_since))
    return;
  connected = on;
  (on ? connected_since : not_connected_since) = now;
}

void session::set_watching(bool on, time now) {
  if (watching == on)
    return;
  watching = on;
  (on ? watching_since : not_watching_since) = now;
}

json state_json(const session& one) {
  json out{{"is_connected", one.connected}, {"is_watching", one.watching}};
  put(out, "connected_since", one.connected_since);
  put(out, "not_connected_since", one.not_connected_since);
  put(out, "watching_since", one.watching_since);
  put(out, "not_watching_since", one.not_watching_since);
  return out;
}

json to_json(const session& one) {
  return {{"id", one.id}, {"profile", to_json(one.who)}, {"state", state_json(one)}};
}

json to_json(const member& one) {
  return {{"id", one.username}, {"profile", to_json(one.who)}};
}

session_registry::session_registry(std::string api_token) {
  if (api_token.empty())
    return;
  session api;
  api.id = "API";
  api.token = std::move(api_token);
  api.api = true;
  api.who.name = "API Session";
  api.who.is_admin = true;
  api.who.can_login = true;
  api.who.can_host = true;
  api_ = std::move(api);
}

api_result<const member*> session_registry::create(const std::string& username,
                                                   std::string password, profile who) {
  if (username.empty() || username.size() > longest_name || password.empty()
      || password.size() > 1024)
    return api_error{422, "username and password must not be empty"};
  if (members_.size() >= most_members)
    return api_error{422, "too many members"};
  if (username == "API" || members_.contains(username))
    return api_error{422, "member already exists"};
  if (who.name.empty())
    who.name = username;
  auto [at, made]
    = members_.emplace(username, member{username, std::move(password), std::move(who)});
  return &at->second;
}

const member* session_registry::find_member(std::string_view username) const {
  auto at = members_.find(username);
  return at == members_.end() ? nullptr : &at->second;
}

api_result<const member*> session_registry::update(std::string_view username, const json& changes) {
  auto at = members_.find(username);
  if (at == members_.end())
    return api_error{404, "member not found"};
  auto merged = merge_profile(at->second.who, changes);
  if (!merged)
    return merged.error();
  at->second.who = *merged;
  if (auto* one = find(username))
    one->who = *merged;
  return &at->second;
}

api_result<void> session_registry::set_password(std::string_view username, std::string password) {
  auto at = members_.find(username);
  if (at == members_.end())
    return api_error{404, "member not found"};
  if (password.empty() || password.size() > 1024)
    return api_error{422, "password must not be empty"};
  at->second.password = std::move(password);
  return {};
}

api_result<void> session_registry::erase_member(std::string_view username) {
  auto at = members_.find(username);
  if (at == members_.end())
    return api_error{404, "member not found"};
  members_.erase(at);
  return {};
}

api_result<session*> session_registry::login(std::string_view username, std::string_view password) {
  auto at = members_.find(username);
  if (at == members_.end() || !equal_secrets(at->second.password, password))
    return api_error{401, "invalid username or password"};
  if (!at->second.who.can_login)
    return api_error{403, "login disabled"};
  if (auto* old = find(username); old != nullptr && old->connected)
    return api_error{422, "session already connected"};
  session made;
  made.id = at->first;
  made.token = random_ice_text(token_characters);
  // The ICE alphabet's two signs would need escapes in a query.
  for (auto& c : made.token)
    if (c == '+' || c == '/')
      c = 'x';
  made.who = at->second.who;
  auto& slot = sessions_[made.id];
  slot = std::move(made);
  return &slot;
}

void session_registry::remove(std::string_view id) {
  if (auto at = sessions_.find(id); at != sessions_.end())
    sessions_.erase(at);
}

session* session_registry::find(std::string_view id) {
  auto at = sessions_.find(id);
  return at == sessions_.end() ? nullptr : &at->second;
}

session* session_registry::find_token(std::string_view token) {
  if (token.empty())
    return nullptr;
  if (api_ && equal_secrets(api_->token, token))
    return &*api_;
  for (auto& [id, one] : sessions_)
    if (equal_secrets(one.token, token))
      return &one;
  return nullptr;
}

} // namespace holt::stream
