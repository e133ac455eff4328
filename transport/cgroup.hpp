// SPDX-License-Identifier: Apache-2.0
#pragma once

// A cgroup of version 2 for each child, where the kernel and our rights allow it: whatever the
// child starts stays in it, also an orphan in a session of its own without our marker, and all of
// it ends in one call. A means beside the session sweep, never instead of it: root may leave a
// group. Owned by the spawner, used by one of its threads at a time; the free functions block for
// as long as said. Never touches a group that does not carry our name.

#include "transport/process_sweep.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <sys/types.h>

namespace holt {

/// Our own folder in the v2 tree; empty: none is mounted.
std::string own_cgroup();

/// The groups of this process's children: `<own>/holt-<pid namespace>-<pid>/<n>`.
class cgroup_home {
public:
  /// Makes the folder in `own` where cgroup.kill is offered. Ends what is left of daemons that were
  /// killed together with their keeper.
  explicit cgroup_home(const std::string& own = own_cgroup());
  /// Removes what is empty; what still runs is the keeper's.
  ~cgroup_home();
  cgroup_home(const cgroup_home&) = delete;
  cgroup_home& operator=(const cgroup_home&) = delete;

  bool usable() const noexcept { return !folder_.empty(); }
  const std::string& folder() const noexcept { return folder_; }

  struct seat {
    std::string path;
    int procs = -1; ///< cgroup.procs, close-on-exec; the caller closes it
  };
  /// A new group; nothing where there can be none. To be given back by settle().
  std::optional<seat> make();
  /// The start that wanted the group is over, whatever came of it: once empty it may go.
  void settle(const seat& one);
  /// Off the way of a start: has the next group ready (35 us here), and removes empty ones.
  void prepare();

private:
  void tidy();

  std::string folder_;  ///< empty: not usable
  std::string ready_;   ///< the next group; empty: none
  std::uint64_t n_ = 0; ///< names of groups
  std::deque<std::string> made_;
};

/// Kills everything in the group and below it and waits until it is empty, at most until the
/// deadline. How many processes were there; 0 for a group that is gone.
unsigned kill_cgroup(const std::string& path, sweep_deadline until);

/// Removes an empty group and the groups below it. False while something runs in it.
bool remove_cgroup(const std::string& path);

/// For the keeper: the same for all children of a daemon that ended.
unsigned kill_cgroups_of(pid_t daemon, sweep_deadline until);

} // namespace holt
