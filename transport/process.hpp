// SPDX-License-Identifier: Apache-2.0
#pragma once

// One child process: started by the spawner, waited for through Boost.Process, its output kept.
// Shared by its owner and its own handlers; lives until it ended even when the owner lets go.
// Everything runs on a strand of the given executor. Never kills the tree: process_killer does.

#include "messages/error.hpp"
#include "messages/process_spec.hpp"
#include "transport/process_sweep.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holt {

class spawner;

/// Called on the process's strand, never concurrently, in this order.
struct process_handlers {
  /// Once. dependency_missing: the program is not installed; spawn_failed: anything else. After an
  /// error nothing follows.
  std::function<void(result<pid_t>)> on_started;
  /// Each line of stdout and stderr, valid UTF-8, at most 4 KiB. May be empty.
  std::function<void(std::string)> on_line;
  /// Once, last: it ended and what it printed before has been handed over. A process that it left
  /// behind and that holds its stdout delays this by 200 ms at most.
  std::function<void(exit_status)> on_exit;
};

class process {
public:
  /// Answers at once; on_started follows. The spec's descriptors may be closed after the call.
  static std::shared_ptr<process> start(spawner& by, boost::asio::any_io_executor executor,
                                        process_spec spec, process_handlers handlers);

  virtual ~process() = default;

  /// Sends `number` to the process, or with `group` to its whole process group. Before it was
  /// started and after it ended this does nothing: a reused pid is never hit.
  virtual void signal(int number, bool group = false) = 0;

  /// For process_killer, also after the end. `pid` is 0 when it never started.
  virtual process_target target() const = 0;

  /// The newest lines of its output, oldest first. From any thread.
  virtual std::vector<std::string> last_lines(std::size_t n = 20) const = 0;
};

} // namespace holt
