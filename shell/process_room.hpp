// SPDX-License-Identifier: Apache-2.0
#pragma once

// All long-lived processes and one-shot runs of the API: makes them, finds them, keeps the ended
// ones for a while, within limits. Owned by the actor `processes`, used on its turns only; what
// happens meanwhile comes back through `post`. Never blocks.

#include "shell/live_process.hpp"

#include <atomic>
#include <map>

namespace holt::shell {

/// The six of /v1/processes/config.
struct process_limits {
  std::uint64_t max_concurrent = 64; ///< processes and runs at once
  std::uint64_t default_run_timeout_ms = 30'000;
  std::uint64_t max_run_timeout_ms = 300'000;
  std::uint64_t max_output_bytes = 1024 * 1024; ///< of each stream of a run
  std::uint64_t max_log_bytes = 10 * 1024 * 1024;
  std::uint64_t max_input_bytes = 65'536; ///< of one request
};

nlohmann::json to_json_document(const process_limits& what);

/// The body of a run, checked.
struct run_request {
  process_plan plan; ///< with its timeout
  std::string command;
  std::vector<std::string> args;
  std::size_t max_output = 0; ///< of each stream
  bool base64 = false;        ///< the answer's stdout and stderr
};

class process_room {
public:
  struct parts {
    shell_tools tools;
    boost::asio::any_io_executor executor; ///< of the runtime
    shell_defaults defaults;
    process_limits limits;
    std::size_t keep_ended = 256; ///< ended ones, the newest
    /// Runs it on a turn of the owner; drops it when the owner is gone.
    std::function<void(std::function<void(process_room&)>)> post;
    /// For the feed: kind `process`.
    std::function<void(nlohmann::json)> tell;
    /// Numbers of processes; outlives a restart of the owner.
    std::shared_ptr<std::atomic<std::uint64_t>> numbers;
  };

  explicit process_room(parts with);
  /// Kills what runs.
  ~process_room();
  process_room(const process_room&) = delete;
  process_room& operator=(const process_room&) = delete;

  /// Answers once it runs. conflict: too many; not_found, denied: its program or folder.
  void create(process_request what, std::function<void(result<live_process_ptr>)> answer);
  /// Answers when it has ended, with the contract's fields.
  void run(run_request what, std::function<void(result<nlohmann::json>)> answer);

  live_process_ptr find(std::string_view id) const;
  /// Oldest first.
  std::vector<live_process_ptr> list() const;
  /// not_found; conflict while it runs.
  result<void> remove(const std::string& id);

  const process_limits& limits() const noexcept { return parts_.limits; }
  void set_limits(const process_limits& now) { parts_.limits = now; }

private:
  struct one_run;
  /// Takes a place among those that run at once: to be called when it is over, on any thread,
  /// before anybody hears of it, so that who hears of an end finds a place free.
  result<std::function<void()>> take_place();
  void process_ended(const live_process_ptr& who, const process_end& how);
  void forget_old();

  parts parts_;
  boost::asio::any_io_executor strand_; ///< of all jobs
  std::map<std::uint64_t, live_process_ptr> all_;
  std::map<std::uint64_t, live_process_ptr> starting_;
  std::map<std::uint64_t, std::shared_ptr<process_job>> runs_;
  std::uint64_t last_run_ = 0;
  std::shared_ptr<std::atomic<std::size_t>> taken_; ///< places
};

/// For callers: what a start failed with, naming the field. The program's absence is no fault of
/// the daemon.
error start_error(const error& why);

} // namespace holt::shell
