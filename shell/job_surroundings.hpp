// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a shell job needs to know of the machine: the user to run as, who still holds an output of a
// job whose shell has ended, whether the kernel killed for memory. Plain look-ups, no state;
// blocking but short.

#include "messages/process_spec.hpp"
#include "transport/process_sweep.hpp"

#include "messages/error.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holt::shell {

struct known_user {
  process_user ids;
  std::map<std::string, std::string> environment; ///< HOME, USER, LOGNAME, SHELL
};

/// spawn_failed when there is no such user.
result<known_user> find_user(const std::string& name);

/// How an open file shows under /proc/PID/fd: `pipe:[1234]`.
std::string shown_name(int fd);

/// Processes below us that started with `target` or after it and have one of these files open;
/// ascending, at most 64. The shell itself is not among them.
std::vector<pid_t> holders_of(const std::vector<std::string>& names, const process_target& target);

/// The kernel's count of processes that it killed for memory: `oom_kill` of a cgroup v2 file
/// memory.events. Nothing where that is not told.
std::optional<std::uint64_t> memory_kills(const std::string& memory_events);

/// memory.events of our own cgroup; empty where the v2 memory controller is not on.
std::string find_memory_events();

} // namespace holt::shell
