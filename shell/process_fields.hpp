// SPDX-License-Identifier: Apache-2.0
#pragma once

// Bodies and queries of the process API, checked and turned into values. Pure, but for a look at
// `cwd` through the jail. Errors name the field: unprocessable for a missing one or a wrong type,
// invalid_request for what is out of range. Unknown fields are ignored, null counts as missing.

#include "shell/process_room.hpp"

#include <string>
#include <string_view>

namespace holt::shell {

result<process_request> decode_process(const nlohmann::json& body, const files::path_jail& jail);

result<run_request> decode_run(const nlohmann::json& body, const files::path_jail& jail,
                               const process_limits& limits);

/// All six, each above 0.
result<process_limits> decode_limits(const nlohmann::json& body);

/// The bytes of `data`. `fallback`: how they are encoded where `encoding` does not say (base64,
/// utf8, text). payload_too_large above `limit`.
result<std::string> decode_input(const nlohmann::json& body, std::string_view fallback,
                                 std::uint64_t limit);

struct terminal_size {
  unsigned columns = 0;
  unsigned rows = 0;
};
result<terminal_size> decode_size(const nlohmann::json& body);

/// `signal`: a number, or a name with or without SIG.
result<int> decode_signal(const nlohmann::json& body);
/// The names that it knows, as a regular expression.
std::string signal_pattern();

/// A whole number from a query, at most `most`. `fallback` where it is missing.
result<std::uint64_t> query_number(const std::optional<std::string_view>& text,
                                   std::string_view name, std::uint64_t fallback,
                                   std::uint64_t most);

} // namespace holt::shell
