// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reading members of an event's payload, which is outside input. Pure; used by the room and the
// HTTP API only.

#include <nlohmann/json.hpp>

#include <cmath>
#include <optional>
#include <string_view>

namespace holt::stream {

/// A string member; empty when it is absent or something else.
inline std::string_view text_of(const nlohmann::json& from, const char* name) {
  auto at = from.find(name);
  return at != from.end() && at->is_string() ? std::string_view{at->get_ref<const std::string&>()}
                                             : std::string_view{};
}

/// A number member, rounded to an int; nothing when it is absent, something else or too large.
inline std::optional<int> number_of(const nlohmann::json& from, const char* name) {
  auto at = from.find(name);
  if (at == from.end() || !at->is_number())
    return std::nullopt;
  auto value = at->get<double>();
  if (!(std::abs(value) <= 2'000'000'000))
    return std::nullopt;
  return static_cast<int>(std::lround(value));
}

/// A boolean member, else `otherwise`.
inline bool flag_of(const nlohmann::json& from, const char* name, bool otherwise) {
  auto at = from.find(name);
  return at != from.end() && at->is_boolean() ? at->get<bool>() : otherwise;
}

} // namespace holt::stream
