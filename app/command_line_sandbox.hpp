// SPDX-License-Identifier: Apache-2.0
#pragma once

// The verbs over the API: their options, help and examples. Used by parse_command_line() only.

#include "app/command_line.hpp"

#include <CLI/App.hpp>

namespace holt {

/// --url, --token, --state-dir.
void add_daemon_options(CLI::App& app, command_line& line);

void add_sandbox_verbs(CLI::App& app, command_line& line);

/// CLI11 takes an argument like `[ab]` of a list apart; what a program is given must arrive as it
/// was typed: such arguments of `exec` are marked, and the marks taken off again.
std::vector<std::string> marked_arguments(int argc, const char* const* argv);

} // namespace holt
