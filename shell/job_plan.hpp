// SPDX-License-Identifier: Apache-2.0
#pragma once

// From a request to a process: program and arguments, environment, user, descriptors. Used once at
// a job's start. A command line that the kernel would refuse as an argument goes through a file
// without a name, readable by the job's user alone.

#include "shell/shell_job.hpp"

namespace holt::shell {

/// Command lines from this length on do not go as an argument (MAX_ARG_STRLEN, with its NUL).
inline constexpr std::size_t max_argument = 128 * 1024 - 1;

/// The plan and what it is made of; `key` as for launch_plan::make. spawn_failed,
/// dependency_missing; no_space or io for the script.
result<launch_plan> make_plan(const shell_request& what, const shell_defaults& defaults,
                              std::string_view key);

/// What every child of an agent has: the defaults' environment with `env` over it, and the user to
/// run as.
result<process_spec> make_surroundings(const shell_defaults& defaults,
                                       const std::map<std::string, std::string>& env,
                                       bool terminal);

} // namespace holt::shell
