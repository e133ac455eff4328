// SPDX-License-Identifier: Apache-2.0
#pragma once

// An operating system process as a child of the supervision tree: starts it, proves that it is
// ready, asks it to stop its own way, kills what is left of it. Works on a strand of the runtime;
// never blocks, never decides about restarts (the supervisor does).

#include "messages/process_spec.hpp"
#include "supervisor/child_port.hpp"
#include "transport/process_killer.hpp"
#include "transport/spawner.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <string_view>

namespace holt {

/// Shared by every process child; outlives them.
struct process_tools {
  boost::asio::io_context& io;
  spawner& starter;
  process_killer& killer;
};

using probe_done = std::function<void(result<void>)>;
/// One try, limited in time by itself; may answer on any thread.
using probe_function = std::function<void(probe_done)>;

struct process_child_options {
  child_id id;
  /// Made anew for every start: it may depend on what other children chose.
  std::function<result<process_spec>()> spec;
  /// The spec's descriptors have been copied: close ours.
  std::function<void()> after_start;
  /// Tried until it succeeds; empty: running is ready.
  probe_function ready;
  /// Empty: running is alive.
  probe_function live;
  /// Every line of its output.
  std::function<void(std::string_view)> on_line;
  /// Its own goodbye before the stop signal; calls the argument when done, within goodbye_limit.
  std::function<void(std::function<void()>)> before_stop;
  /// It is ready, or it has ended.
  std::function<void(bool)> on_up;
  int stop_signal = SIGTERM;
  std::chrono::milliseconds ready_interval{20}; ///< between two tries of `ready`
  std::chrono::milliseconds goodbye_limit{1'200};
  std::chrono::milliseconds kill_limit{1'800};
};

supervision::child_port_ptr make_process_child(process_tools tools, process_child_options how);

} // namespace holt
