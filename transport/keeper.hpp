// SPDX-License-Identifier: Apache-2.0
#pragma once

// The keeper: the small parent of the daemon that outlives it. It passes signals on, reaps (PID 1
// in a container), kills every descendant when the daemon is gone and ends with its code. One
// thread, no Asio; it must run before any other thread of the process exists.

#include <chrono>
#include <string>
#include <vector>

namespace holt {

struct keeper_options {
  /// What to run; the keeper's own executable unless a test says otherwise.
  std::string program = "/proc/self/exe";
  /// The daemon's whole command line, argv[0] included.
  std::vector<std::string> argv;
  /// From the daemon's end until its descendants must be gone.
  std::chrono::milliseconds sweep_limit{2000};
  /// From the first SIGTERM or SIGINT to SIGKILL, and from the second.
  std::chrono::milliseconds first_limit{9'700};
  std::chrono::milliseconds second_limit{900};
};

/// Environment variable of the daemon: number of the descriptor that ends when the keeper dies.
inline constexpr const char* keeper_variable = "HOLT_KEEPER_FD";

/// Runs the daemon in a session of its own and stays until it and everything below it is gone.
/// SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 are passed on, each time. Returns the
/// daemon's exit code, 128 + n when signal n ended it, 127 when it could not be executed.
int run_keeper(const keeper_options& how);

} // namespace holt
