// SPDX-License-Identifier: Apache-2.0
#pragma once

// Keys of the broker: JSON Web Tokens (HS256/384/512) with a role, and who may enter which channel.
// Immutable after construction, so any thread may ask. Never logs a token.

#include "messages/error.hpp"
#include "transport/log.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holt::broker {

/// The two sides of a `sandbox:*` channel, as far as the key tells.
enum class side : std::uint8_t { unknown, agent, daemon };

/// What a key says.
struct claims {
  std::string role;    ///< agent, daemon, app, or a role of Supabase (anon, authenticated …)
  std::string session; ///< of an agent: the only one it may enter
  std::optional<std::int64_t> exp; ///< seconds since 1970; none: never (a stranger's, any_key)

  side which() const noexcept;
  /// `name`: of a channel, without `realtime:`.
  bool may_enter(std::string_view name) const noexcept;
  /// The sentence of an expired key; nothing while it is valid.
  std::optional<std::string> expired(std::int64_t now) const;
};

/// `sandbox:…`
bool is_sandbox(std::string_view name) noexcept;

class keyring {
public:
  /// `any_key`: a key that is not ours is an app key, also one that is no token.
  keyring(log::secret secret, bool any_key);

  /// token_invalid; the detail is `Code: sentence` as the real server says it.
  result<claims> read(std::string_view token) const;

  std::string make(std::string_view role, std::string_view session,
                   std::chrono::seconds life) const;

private:
  result<claims> verify(std::string_view token) const;

  log::secret secret_;
  bool any_key_;
};

std::int64_t now_seconds() noexcept;

} // namespace holt::broker
