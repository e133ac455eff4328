// SPDX-License-Identifier: Apache-2.0
#pragma once

// How a job ended, as the fields of its answer. Pure. Every end is told apart: exit code, signal,
// time-out, cancel, shutdown, a kill for memory, an output that somebody still holds.

#include "messages/command.hpp"
#include "messages/process_spec.hpp"
#include "shell/output_keeper.hpp"

#include <chrono>
#include <optional>
#include <sys/types.h>
#include <vector>

namespace holt::shell {

struct job_end {
  errc why = errc::none; ///< timeout, cancelled, shutting_down; none: it ended by itself
  std::optional<exit_status> status; ///< none: it could not be killed
  std::chrono::milliseconds duration{};
  std::vector<pid_t> held_open_by;
  std::optional<unsigned> survivors; ///< of a kill; none: nothing was killed
  bool out_of_memory = false;        ///< the kernel killed for memory while it ran
};

/// Whether SIGKILL ended it, or the last program of it, as a shell says it.
bool looks_killed(const std::optional<exit_status>& status);

/// `stdout`, `stderr`, `duration_ms`; `exit_code` (128 + n after a signal, as a shell says it) and
/// `signal`; where they apply `truncated`, `stdout_bytes`, `stdout_cut` (where the gap is) and the
/// same for stderr, `held_open_by`, `survivors`, `code` = `out_of_memory`.
command_outcome report(const job_end& end, kept_text out, kept_text err);

} // namespace holt::shell
