// SPDX-License-Identifier: Apache-2.0
#pragma once

// JSON from outside: parsed with limits that the library itself does not have, written so that it
// never throws. Pure.

#include "messages/error.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace holt::http {

struct json_limits {
  std::size_t depth = 64;
  std::size_t nodes = 10'000; ///< values and keys
};

/// invalid_request for what is no JSON: also a NUL, a byte order mark, a name that stands twice in
/// an object, invalid UTF-8, more depth or nodes than allowed.
result<nlohmann::json> parse_json(std::string_view text, const json_limits& limits = {});

/// Compact; invalid UTF-8 becomes U+FFFD.
std::string dump_safe(const nlohmann::json& what);

} // namespace holt::http
