// SPDX-License-Identifier: Apache-2.0
#pragma once

// One program of an agent that is started as such, without a shell: in a session of its own, on
// pipes or a terminal, its output handed on as it comes, its whole tree killed on demand or at its
// time-out. Everything runs on the given strand, which all of them share: a flood of output takes
// one thread at most. Calls are thread-safe and never block. Keeps no output: process_log does.

#include "messages/process_spec.hpp"
#include "shell/process_log.hpp"
#include "shell/shell_job.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holt::shell {

struct process_plan {
  std::vector<std::string> argv;          ///< the first is looked up in PATH
  std::string cwd;                        ///< absolute
  std::map<std::string, std::string> env; ///< joins the defaults
  bool terminal = false;
  bool input = true; ///< false: stdin is empty
  unsigned columns = 80;
  unsigned rows = 24;
  std::optional<std::chrono::milliseconds> timeout; ///< then the tree is killed
};

/// How it ended.
struct process_end {
  std::optional<exit_status> status; ///< none: stuck in the kernel, it could not be killed
  bool timed_out = false;
  std::chrono::milliseconds duration{};
};

/// Called on the strand, in this order.
struct process_hooks {
  /// Once; after an error nothing follows.
  std::function<void(result<pid_t>)> on_started;
  /// Also after on_ended: what it left behind may go on writing to its outputs.
  std::function<void(output_stream, std::string_view)> on_output;
  /// Once: it was reaped and its output has been handed over. Who holds an output of it delays this
  /// by 100 ms at most.
  std::function<void(process_end)> on_ended;
};

class process_job {
public:
  /// `strand` is one. `defaults` are asked at once.
  static std::shared_ptr<process_job> start(shell_tools tools, boost::asio::any_io_executor strand,
                                            const process_plan& what,
                                            const shell_defaults& defaults, process_hooks hooks);
  virtual ~process_job() = default;

  /// Kills the whole tree; `done` once it is gone, or after 2 s, on any thread.
  virtual void kill(std::function<void()> done) = 0;
  /// To the foreground process group of its terminal, else to its own group.
  virtual void signal(int number) = 0;
  /// conflict: closed or ended; busy: 1 MiB is waiting.
  virtual result<void> write(std::string bytes) = 0;
  virtual void close_input() = 0;
  virtual void resize(unsigned columns, unsigned rows) = 0;
  /// While it is held its output is not read: it waits in its writes, and its end waits for what it
  /// wrote. A kill lets go of it for good.
  virtual void hold_output(bool held) = 0;
  /// By which it and all that it starts are known (HOLT_CHILD).
  virtual const std::string& key() const noexcept = 0;
};

} // namespace holt::shell
