// SPDX-License-Identifier: Apache-2.0
#pragma once

// One command line of an agent: started by the spawner in a session of its own, its output kept and
// passed on live, its whole tree killed at its time-out, on cancel and (leader gone) never held up
// by what it left behind. Runs on a strand of the given executor; calls are thread-safe and never
// block. Without CAF: actors/shell_worker and the process API stand above it.

#include "files/path_jail.hpp"
#include "messages/command.hpp"
#include "transport/process_killer.hpp"
#include "transport/spawner.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace holt::shell {

/// What is the same for all jobs of a daemon.
struct shell_defaults {
  std::string shell = "/bin/sh"; ///< run as `shell -c cmd`
  std::chrono::milliseconds timeout{120'000};
  std::chrono::milliseconds max_timeout{3'600'000};
  std::size_t max_output = 1024 * 1024;  ///< kept per stream for the answer: head 3/4, tail 1/4
  std::uint64_t max_spill = 64ull << 20; ///< of one stream on disk, for `fetch`
  std::string spill_dir;                 ///< empty: nothing is spilled
  std::string script_dir;                ///< for command lines above 128 KiB; empty: in memory
  std::string user;                      ///< run as this user when root; empty: as the daemon
  std::string memory_events;             ///< cgroup v2 file that counts kills for memory; or empty
  /// Environment of every job: PATH, HOME, LANG, DISPLAY … Asked at each start.
  std::function<std::map<std::string, std::string>()> environment;
};

struct shell_request {
  std::string cmd;
  std::string cwd;                                  ///< absolute, inside a root
  std::map<std::string, std::string> env;           ///< joins the defaults
  std::optional<std::string> standard_input;        ///< empty: closed (/dev/null)
  std::optional<std::chrono::milliseconds> timeout; ///< none: runs until it ends (shell.start)
  std::size_t max_output = 1024 * 1024;
  bool pty = false;
  bool keep_stdin = false; ///< shell.start: stdin stays open for write_stdin
  unsigned columns = 80;
  unsigned rows = 24;
};

/// The body of shell.exec or shell.start. `timeout` is in seconds, fractions allowed.
/// invalid_request names the field; not_found, not_directory, denied for `cwd`.
result<shell_request> decode_shell_request(const command& what, const files::path_jail& jail,
                                           const shell_defaults& defaults);

struct shell_tools {
  spawner& starter;
  process_killer& killer;
};

enum class shell_stream : std::uint8_t { out, err };

struct shell_handlers {
  std::function<void(pid_t pid)> on_started;
  /// Live output, as it comes: raw bytes and their offset in the stream.
  std::function<void(shell_stream, std::uint64_t off, std::string bytes)> on_output;
  /// Once, last. Fields: shell/job_report.hpp. `timeout`, `cancelled`, `shutdown` with the output
  /// so far. What the job left behind may go on writing to its outputs; `stored` shows it.
  std::function<void(command_outcome)> on_done;
};

class shell_job {
public:
  static std::shared_ptr<shell_job> start(shell_tools tools, boost::asio::any_io_executor executor,
                                          shell_request what, const shell_defaults& defaults,
                                          shell_handlers handlers);
  virtual ~shell_job() = default;

  /// Kills the whole tree; the answer is `why` (cancelled, shutting_down) with the output so far.
  virtual void cancel(errc why) = 0;
  /// False: it has ended, its stdin is closed, or 1 MiB is waiting.
  virtual bool write_stdin(std::string bytes) = 0;
  virtual void close_stdin() = 0;
  virtual void signal(int number) = 0; ///< to the foreground process group
  virtual void resize(unsigned columns, unsigned rows) = 0;
  virtual pid_t pid() const = 0; ///< 0 before the start
  /// Output still in memory or on disk: `fetch`. not_found: not kept.
  virtual result<std::string> stored(shell_stream, std::uint64_t off, std::size_t len) const = 0;
};

} // namespace holt::shell
