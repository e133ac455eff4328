// SPDX-License-Identifier: Apache-2.0
#pragma once

// The wait for one launched child, through Boost.Process: reaps it, and knows until when its pid is
// its own. Owned by `process` or a shell job and used on its strand only. Never kills by itself,
// but for a child that cannot be watched.

#include "messages/error.hpp"
#include "transport/spawner.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/process/v2/process.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace holt {

class child_wait {
public:
  child_wait(boost::asio::any_io_executor strand, std::shared_ptr<child_table> children)
    : strand_(std::move(strand)), children_(std::move(children)) {}

  /// Takes pid and pidfd over. `ended` comes once, on the strand, after the child was reaped; it
  /// must keep this object alive. On an error (the event loop takes no more) the child is killed
  /// and reaped, and `ended` never comes.
  result<void> begin(const launched& child, std::function<void(exit_status)> ended);

  /// Instead of begin(): kills and reaps a child that cannot be used.
  void abandon(const launched& child);

  /// 0 once it was reaped.
  pid_t pid() const;

  /// To the child or its whole group; nothing once it was reaped: a reused pid is never hit.
  void signal(int number, bool group);

private:
  using handle = boost::process::v2::basic_process<boost::asio::any_io_executor>;
  void look_first(std::function<void(exit_status)> ended);
  void wait(std::function<void(exit_status)> ended);
  void reaped(boost::system::error_code ec, std::function<void(exit_status)> ended);

  boost::asio::any_io_executor strand_;
  std::shared_ptr<child_table> children_;
  std::optional<handle> alive_; ///< from the start until it was reaped
  /// A second look at the pidfd: what the dead process used is to be had before it is reaped only.
  std::optional<boost::asio::posix::basic_stream_descriptor<boost::asio::any_io_executor>> end_;
  std::uint64_t own_peak_ = 0; ///< ours when it was started; what exec() lets it inherit, in bytes
  std::uint64_t peak_ = 0;     ///< its own, 0: not known
};

} // namespace holt
