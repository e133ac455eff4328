// SPDX-License-Identifier: Apache-2.0
#pragma once

// One long-lived process as the API shows it: what was asked for, how it is, its log, and who waits
// for news of it. Owned by a process_room and by whoever looks at it at the moment; it outlives its
// place in the room as long as a viewer holds it. Thread-safe; never waits for a follower, but for
// a reader who asked that nothing be lost.

#include "shell/process_job.hpp"
#include "shell/process_log.hpp"

#include <boost/asio/steady_timer.hpp>

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
  bool lossless = false; ///< from the start on it waits for who reads its output
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
  /// Of its leader, also when it has ended; 0: it does not run yet.
  pid_t pid() const;
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

  // -- readers who lose nothing: when half of the log is not read by one of them, the process waits
  /// A reader who has everything up to `sequence`; its number. Who held before and left is
  /// followed.
  std::uint64_t hold(std::uint64_t sequence);
  /// It has more now.
  void taken(std::uint64_t number, std::uint64_t sequence);
  /// It left; if it may come back, the process waits a minute for it.
  void release(std::uint64_t number, bool comes_back);

  /// By which it and all that it starts are known; empty once it was removed.
  std::string key() const;

  // -- by the room, on the strand
  /// Waits for the first reader, for a minute.
  void expect_reader();
  void set_job(std::shared_ptr<process_job> job);
  void started(pid_t pid);
  void printed(output_stream stream, std::string_view bytes);
  void ended(const process_end& how);

private:
  struct waiter;
  std::shared_ptr<process_job> running_job() const;
  void wake_followers();
  void expect_locked(std::uint64_t sequence);
  bool presses_locked() const;
  void ease_locked();

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
  std::map<std::uint64_t, std::uint64_t> holders_; ///< number → what it has, by sequence
  std::uint64_t last_holder_ = 0;
  std::uint64_t expected_ = 0;         ///< of `holders_`: who is not there, but may come; 0: nobody
  boost::asio::steady_timer patience_; ///< until it is not expected any more
  bool held_ = false;                  ///< the process waits
};

using live_process_ptr = std::shared_ptr<live_process>;

/// Milliseconds since 1970.
std::int64_t wall_clock_ms();

} // namespace holt::shell
