// SPDX-License-Identifier: Apache-2.0
#pragma once

// What this kernel and container allow, found by trying. For doctor, health and the choice of
// means; nothing above may guess from a version number. Blocking (forks once): at start-up.

#include <string>
#include <vector>

namespace holt {

struct kernel_features {
  std::string release;          ///< uname -r
  bool pidfd = false;           ///< pidfd_open and pidfd_send_signal: needed
  bool close_range = false;     ///< needed
  bool openat2 = false;         ///< needed for files
  int landlock_abi = 0;         ///< 0: none
  bool user_namespaces = false; ///< this user may make one
  std::string cgroup;           ///< our own folder of the v2 tree; empty: none mounted
  bool cgroup_writable = false; ///< sub-groups can be made there
  bool cgroup_kill = false;     ///< cgroup.kill works there
  bool cgroup_memory = false;   ///< the v2 memory controller is offered there
  bool subreaper = false;       ///< needed: orphans come to us
};

/// Tries everything, a few milliseconds.
kernel_features detect_kernel_features();

/// One row for people: name, whether it is there, what follows from it.
struct feature_row {
  std::string name;
  bool present = false;
  bool needed = false;
  std::string meaning;
};

std::vector<feature_row> describe(const kernel_features& what);

} // namespace holt
