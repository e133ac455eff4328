// SPDX-License-Identifier: Apache-2.0
#pragma once

// One long-lived process as the API shows it: what was asked for, how it is, its log, and who waits
// for news of it. Owned by a process_room and by whoever looks at it at the moment; it outlives its
// place in the room as long as a viewer holds it. Thread-safe; never waits for a follower.

#include "shell/process_job.hpp"
#include "shell/process_log.hpp"

#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>

namespace holt::shell {

/// The body of a create, checked.
struct process_request {
  process_plan plan;
  std::string command;
  std::vector<std::string> args;
  std::string cwd; ///< as it was asked for; empty: not at all
  bool interactive = false;
  std::vector<std::string> tags;
  std::string owner = "user"; ///< user, desktop, system
};

class live_process : public std::enable_shared_from_this<live_process> {
public:
  live_process(std::string id, process_request what, log_limits limits,
               const std::string& spill_dir, boost::asio::any_io_executor executor);

  const std::string& id() const noexcept { return id_; }
  const process_request& asked() const noexcept { return what_; }
  bool terminal() const noexcept { return what_.plan.terminal; }
  process_log& log() noexcept { return log_; }

  /// As the contract's ProcessInfo: what does not apply is absent.
  nlohmann::json document() const;
  bool exited() const;
  /// Its exit code; none: it runs, or a signal ended it.
  std::optional<int> exit_code() const;
  std::optional<int> exit_signal() const;
  bool has_tag(std::string_view tag) const;

  /// conflict when it has ended.
  result<void> write(std::string bytes);
  result<void> close_input();
  result<void> signal(int number);
  result<void> resize(unsigned columns, unsigned rows);
  /// The whole tree; `done` when it is gone, or after `limit`. Also after its end: what it left.
  void kill(std::chrono::milliseconds limit, std::function<void()> done);
  /// `then` once: when it has ended, at the latest after `limit`.
  void wait(std::chrono::milliseconds limit, std::function<void()> then);

  /// `wake` after each news (output, the end), on the strand of all processes: must be short.
  std::uint64_t follow(std::function<void()> wake);
  void unfollow(std::uint64_t number);

  // -- by the room, on the strand
  void set_job(std::shared_ptr<process_job> job);
  void started(pid_t pid);
  void printed(output_stream stream, std::string_view bytes);
  void ended(const process_end& how);

private:
  struct waiter;
  std::shared_ptr<process_job> running_job() const;
  void wake_followers();

  const std::string id_;
  const process_request what_;
  const std::int64_t created_ms_;
  boost::asio::any_io_executor executor_;
  process_log log_;
  mutable std::mutex mutex_; ///< guards what follows
  std::shared_ptr<process_job> job_;
  pid_t pid_ = 0;
  unsigned columns_ = 0;
  unsigned rows_ = 0;
  bool exited_ = false;
  std::int64_t exited_ms_ = 0;
  std::optional<exit_status> status_;
  std::vector<std::shared_ptr<waiter>> waiters_;
  std::map<std::uint64_t, std::function<void()>> followers_;
  std::uint64_t last_follower_ = 0;
};

using live_process_ptr = std::shared_ptr<live_process>;

/// Milliseconds since 1970.
std::int64_t wall_clock_ms();

} // namespace holt::shell
