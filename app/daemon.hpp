// SPDX-License-Identifier: Apache-2.0
#pragma once

// The daemon: makes every part, hands them to the supervision tree, serves until it is asked to
// stop, stops in order. The only place that knows all parts. Runs on the main thread, which only
// waits; everything else happens on the runtime's threads.

#include "app/config.hpp"

#include <memory>
#include <string>

namespace holt {

struct daemon_options {
  loaded_config config;
  std::string state_dir;  ///< absolute
  std::string workspace;  ///< absolute
  std::string ready_file; ///< empty: none
  bool banner = false;    ///< a person is at the terminal
};

/// Serves until stopped; answers the exit code. What goes wrong at start is said in one line on
/// stderr.
int run_daemon(const daemon_options& how);

} // namespace holt
