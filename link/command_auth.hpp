// SPDX-License-Identifier: Apache-2.0
#pragma once

// Signed commands: on a public channel anybody with the anon key can send, so a session may be
// configured with command keys; then every command carries `auth {kid, ts, mac}`. The MAC covers
// the whole command, `auth` included but for `mac` itself. Pure but for its memory of signatures;
// one thread. Secrets are never copied out or logged.

#include "messages/error.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace holt::link {

/// RFC 8785 (JCS): the one JSON text of a value. Not finite numbers cannot come out of JSON text.
std::string canonical_json(const nlohmann::json& value);

/// Lower-case hex of HMAC-SHA256 over canonical_json of `command` with `auth` = {kid, ts}.
std::string command_mac(std::string_view secret, const nlohmann::json& command);

struct auth_options {
  std::map<std::string, std::string> keys; ///< kid → secret; empty: nothing is required
  std::int64_t window_ms = 300'000;        ///< `ts` may be off by so much either way
  std::size_t memory = 100'000;            ///< signatures within the window; more: `busy`
};

enum class signature : std::uint8_t {
  not_required, ///< no keys configured
  fresh,
  seen, ///< exactly this one came before: a resend or a replay, never something new
};

class command_auth {
public:
  explicit command_auth(auth_options how);

  bool required() const noexcept { return !how_.keys.empty(); }
  /// token_invalid (`unauthorized`) with what is wrong in the detail: missing, malformed, unknown
  /// kid, too old, wrong mac.
  result<signature> check(const nlohmann::json& command, std::int64_t now_ms);

private:
  auth_options how_;
  std::set<std::pair<std::string, std::string>> seen_; ///< kid, mac
  std::multimap<std::int64_t, std::pair<std::string, std::string>> by_time_;
};

} // namespace holt::link
