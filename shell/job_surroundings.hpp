// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a shell job needs to know of the machine: the user to run as, who still holds an output of a
// job whose shell has ended, whether the kernel killed for memory. Plain look-ups, no state;
// blocking but short.

#include "files/path_jail.hpp"
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

/// The folder as the kernel sees it: a child starts where the jail looked, not where a name may
/// lead by then. Errors as the jail's.
result<std::string> real_folder(const files::path_jail& jail, const std::string& path);

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
