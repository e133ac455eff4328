// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who may come in and who is in: members (accounts), sessions (a member that logged in) and their
// tokens, with neko's `object` provider rules. Owned by the room; io thread; pure: the clock is
// passed in. It knows no socket. Passwords and tokens stay in memory and are never written out.

#include <boost/system/result.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace holt::stream {

/// What the HTTP API answers when it refuses: `{"code": status, "message": …}`.
struct api_error {
  unsigned status = 500;
  std::string message;
};

template <class T>
using api_result = boost::system::result<T, api_error>;

struct profile {
  std::string name;
  bool is_admin = false;
  bool can_login = false;
  bool can_connect = false;
  bool can_watch = false;
  bool can_host = false;
  bool can_share_media = true;
  bool can_access_clipboard = true;
  bool sends_inactive_cursor = true;
  bool can_see_inactive_cursors = true;
  nlohmann::json plugins = nlohmann::json::object();

  /// `{"wheel": "dom"}`: this viewer's wheel comes in pixels of the page.
  bool dom_wheel() const;
};

nlohmann::json to_json(const profile& value);

/// Members of `from` over those of `base`; 422 for a wrong type. Unknown members are ignored.
api_result<profile> merge_profile(profile base, const nlohmann::json& from);

struct session {
  using time = std::chrono::system_clock::time_point;

  std::string id;
  std::string token;
  profile who;
  bool api = false; ///< the supervisor's own, made from the API token
  bool connected = false;
  bool watching = false;
  std::optional<time> connected_since;
  std::optional<time> not_connected_since;
  std::optional<time> watching_since;
  std::optional<time> not_watching_since;

  void set_connected(bool on, time now);
  void set_watching(bool on, time now);
};

nlohmann::json state_json(const session& one);
/// `{id, profile, state}`
nlohmann::json to_json(const session& one);

struct member {
  std::string username;
  std::string password;
  profile who;
};

/// `{id, profile}`
nlohmann::json to_json(const member& one);

class session_registry {
public:
  static constexpr std::size_t most_members = 4200;

  /// An empty token: no API session.
  explicit session_registry(std::string api_token);

  // -- members
  api_result<const member*> create(const std::string& username, std::string password, profile who);
  /// Null when there is none.
  const member* find_member(std::string_view username) const;
  /// Partial profile; the session of the member changes with it. 404 unknown.
  api_result<const member*> update(std::string_view username, const nlohmann::json& changes);
  api_result<void> set_password(std::string_view username, std::string password);
  /// 404 unknown. The session is left to the caller (`remove`).
  api_result<void> erase_member(std::string_view username);
  const std::map<std::string, member, std::less<>>& members() const noexcept { return members_; }

  // -- sessions
  /// 401 wrong name or password, 403 may not log in, 422 connected already. A session that is not
  /// connected is replaced; its token ends.
  api_result<session*> login(std::string_view username, std::string_view password);
  void remove(std::string_view id);
  session* find(std::string_view id);
  /// Constant time in the token's content.
  session* find_token(std::string_view token);
  const std::map<std::string, session, std::less<>>& sessions() const noexcept { return sessions_; }

private:
  std::map<std::string, member, std::less<>> members_;
  std::map<std::string, session, std::less<>> sessions_;
  std::optional<session> api_;
};

} // namespace holt::stream
