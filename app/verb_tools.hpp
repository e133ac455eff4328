// SPDX-License-Identifier: Apache-2.0
#pragma once

// What several verbs do alike: a path of the sandbox as it is typed, a text that may come from
// stdin, the answer as JSON. Small and blocking; owns nothing.

#include "app/daemon_client.hpp"
#include "client/process_log.hpp"

#include <functional>

namespace holt {

/// All of stdin, at most `most` bytes. payload_too_large, io.
result<std::string> whole_stdin(std::size_t most);

/// The text itself, or all of stdin where it is `-`.
result<std::string> text_or_stdin(const std::string& text);

/// Bytes to a file, which is replaced at once; to stdout where it is `-` or empty. io, no_space.
result<void> put_bytes(const std::string& file, std::string_view bytes);

/// `sbx:PATH` and `PATH` alike.
std::string sandbox_path(const std::string& typed);

/// Finds the daemon, calls it, prints the answer: as JSON, or with `show`. The exit code.
int call_and_show(const command_line& line, const std::string& method, const std::string& target,
                  const nlohmann::json& body,
                  const std::function<void(const nlohmann::json&)>& show);

void print_json(const nlohmann::json& what);

/// A piece of a process's output to stdout: as it is (or to stderr, where it comes from there), or
/// as one line of JSON. io.
result<void> print_output(const client::log_entry& one, bool as_json);

/// For a terminal: bytes that would steer it as `?`.
std::string harmless(std::string_view text);

} // namespace holt
