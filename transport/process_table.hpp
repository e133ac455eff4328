// SPDX-License-Identifier: Apache-2.0
#pragma once

// A look at /proc: who lives, below whom, in which session. Plain reads, no state; blocking but
// short (about 10 us a process). Used by process_sweep and the keeper.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace holt {

struct process_row {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t session = 0;
  char state = '?';             ///< R S D T t Z X as in proc(5)
  std::uint64_t start_time = 0; ///< clock ticks since boot
};

using process_table = std::map<pid_t, process_row>;

/// One line of /proc/PID/stat; nothing when it is malformed. The name may hold any bytes.
std::optional<process_row> parse_stat(std::string_view text);

/// All processes that /proc shows now. Not one instant: read twice where that matters.
process_table read_process_table();

/// All that descend from `root`, without itself.
std::set<pid_t> descendants(const process_table& table, pid_t root);

/// Whether /proc/PID/environ has exactly this entry ("NAME=value"). Nothing where there is none to
/// read: also for a moment in an exec.
std::optional<bool> environment_has(pid_t pid, std::string_view entry);

} // namespace holt
