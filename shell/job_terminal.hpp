// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a job does to its terminal through the master: sets its size, signals who is in the
// foreground. Called on the job's strand; never blocks.

#include "transport/child_wait.hpp"

namespace holt::shell {

/// The children in its foreground hear of it (SIGWINCH).
void resize_terminal(int master, unsigned columns, unsigned rows);

/// To whom a key like Ctrl-C would reach in the terminal (-1: there is none), else to the group of
/// the job's leader; nobody when it was reaped.
void signal_job(int master, child_wait& leader, int number);

} // namespace holt::shell
