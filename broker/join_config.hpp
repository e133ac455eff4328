// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a client asks for when it joins: the payload of phx_join, read as the real server reads it:
// everything is optional, booleans may be strings, what is wrong counts as missing. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holt::broker {

inline constexpr std::size_t most_replayed = 25; ///< messages of one join, as the real server's

/// `broadcast.replay`: what was said before the join is wanted too.
struct replay_wish {
  std::int64_t since_ms = 0; ///< since 1970
  std::size_t limit = most_replayed;
};

struct join_config {
  bool ack = false;
  bool self = false;
  bool is_private = false;
  bool presence = false;
  std::string presence_key;
  std::string postgres_changes = "[]"; ///< the echo of the filters, each with an `id`
  bool any_changes = false;            ///< there was at least one filter
  std::optional<replay_wish> replay;
  bool wrong_replay = false;        ///< it was asked for, and cannot be understood
  std::optional<std::string> token; ///< access_token; none when null, empty or `sb_…`
};

join_config read_join(std::string_view payload);

/// access_token of a payload; none when null, empty or `sb_…`. `given`: whether a member of the
/// name was there with a string.
std::optional<std::string> read_token(std::string_view payload, bool* given = nullptr);

} // namespace holt::broker
