// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a job does to its terminal through the master: sets its size, finds out who is in the
// foreground. Called on the job's strand; never blocks.

#include <sys/types.h>

namespace holt::shell {

/// The children in its foreground hear of it (SIGWINCH).
void resize_terminal(int master, unsigned columns, unsigned rows);

/// Whom a key like Ctrl-C would reach: a process group of the session that `leader` leads. 0: none,
/// or `leader` was reaped (it is 0).
pid_t foreground_group(int master, pid_t leader);

} // namespace holt::shell
