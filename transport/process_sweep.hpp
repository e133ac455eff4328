// SPDX-License-Identifier: Apache-2.0
#pragma once

// Ends every process that a child left behind, also those that forked twice and called setsid.
// Works through /proc alone, as subreaper of all of them: freeze what is found until nothing new
// appears, kill it, look again. Blocking, bounded by a deadline: the killer's thread and the
// keeper call it, never an I/O handler. Never touches a process that is no descendant of ours.

#include <chrono>
#include <cstdint>
#include <string>
#include <sys/types.h>

namespace holt {

/// Which tree: the child as it was started. It may have ended, and even its pid may be reused.
struct process_target {
  pid_t pid = 0;
  std::uint64_t start_time = 0; ///< clock ticks since boot; a process with another one is foreign
  std::string key;              ///< value of HOLT_CHILD in its environment
  std::string cgroup;           ///< folder of its own group; empty: it has none
};

struct sweep_result {
  unsigned killed = 0;    ///< processes that were sent SIGKILL
  unsigned survivors = 0; ///< still there at the deadline (another user's, or stuck in the kernel)
};

using sweep_deadline = std::chrono::steady_clock::time_point;

/// Kills the child and what descends from it: all of its cgroup at once, where it has one; then by
/// parent, by session, by the marker HOLT_CHILD. Without a cgroup one thing cannot be told to
/// belong to a tree: an orphan without the marker, in a session of its own, whose parents all ended
/// before the sweep began. The keeper's sweep_descendants gets that one.
sweep_result sweep_tree(const process_target& target, sweep_deadline until);

/// Kills every descendant of this process.
sweep_result sweep_descendants(sweep_deadline until);

/// Field 22 of /proc/PID/stat; 0 when there is no such process.
std::uint64_t process_start_time(pid_t pid);

} // namespace holt
