// SPDX-License-Identifier: Apache-2.0
#pragma once

// The child's side of a start: what happens between vfork and execve. Part of the spawner. The
// child shares the parent's memory until it executes, so this makes system calls and nothing else.

#include <cstdint>
#include <sys/resource.h>
#include <sys/types.h>
#include <utility>

namespace holt::detail {

enum class exec_stage : int { session, descriptors, limits, user, folder, execute };

struct exec_request {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* env = nullptr;
  const char* cwd = nullptr;
  int stdio[3] = {-1, -1, -1};              ///< become 0, 1 and 2; themselves above all numbers
  bool terminal = false;                    ///< 0 becomes the terminal that controls the session
  int cgroup_fd = -1;                       ///< cgroup.procs of its group; -1: none
  int cgroup_folder = -1;                   ///< the group itself; -1: it moves by cgroup_fd
  const std::pair<int, int>* fds = nullptr; ///< child number (ascending, from 3), source above all
  std::size_t fd_count = 0;
  rlimit open_files{};
  bool switch_user = false;
  uid_t uid = 0;
  gid_t gid = 0;
  const gid_t* groups = nullptr;
  std::size_t group_count = 0;
  pid_t parent = 0;
};

struct exec_failure {
  volatile int number = 0; ///< errno; 0: it runs
  volatile exec_stage stage = exec_stage::execute;
  volatile bool in_cgroup = false; ///< it joined the group it was given
};

/// vfork, where it can be with the child in its group from the start, and execve. The pid, or -1
/// with errno. All signals must be blocked around it. When `failure.number` is set, the child has
/// ended and waits to be reaped.
pid_t vfork_and_exec(const exec_request& what, exec_failure& failure) noexcept;

} // namespace holt::detail
