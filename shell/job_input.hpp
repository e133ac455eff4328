// SPDX-License-Identifier: Apache-2.0
#pragma once

// The way to a job's stdin: a pipe, or the master of its terminal. Writes in order, with a bound on
// what waits. Owned by a shell_job; push() and close() from any thread, all else on the job's
// strand. A child that does not read keeps nothing up but its own input.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace holt::shell {

class job_input {
public:
  /// `strand` is the job's.
  explicit job_input(const boost::asio::any_io_executor& strand) : fd_{strand} {}

  /// Bytes that may wait before push() refuses.
  static constexpr std::size_t max_waiting = 1024 * 1024;

  /// False: closed, or too much waits. `always` is for the input that came with the command.
  bool push(std::string bytes, bool always = false);
  /// What waits is written first.
  void close();
  bool closed() const;
  /// The job has ended: nothing is written any more.
  void end();

  /// Takes `fd` over and writes what has been pushed. `owner` lives as long as it writes.
  void open(int fd, bool terminal, std::shared_ptr<void> owner);
  /// After push() or close(): goes on writing.
  void go_on(std::shared_ptr<void> owner);

private:
  void write(std::shared_ptr<void> owner);
  void finish();

  boost::asio::posix::stream_descriptor fd_;
  bool terminal_ = false; ///< is closed by its end-of-file character
  bool writing_ = false;
  std::string now_; ///< being written
  std::size_t done_ = 0;
  mutable std::mutex guard_; ///< for what follows
  std::deque<std::string> queue_;
  std::size_t waiting_ = 0; ///< bytes in `queue_` and `now_`
  bool closed_ = false;
};

} // namespace holt::shell
