// SPDX-License-Identifier: Apache-2.0
#pragma once

// Our end of a child's output: of a pipe, or of its terminal. Reads as bytes come, a few reads at a
// time, so that a flood leaves the strand to others; and at the child's end, at once, what it had
// printed. Owned by a `process` or a job of shell/ and used on its strand only. Keeps no bytes,
// knows no time: how long others that hold the output are waited for is the owner's to say.

#include "messages/error.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

namespace holt {

class child_output {
public:
  /// `take` gets the bytes, at most 64 KiB at once and valid during the call. `ended`: nobody holds
  /// the other end any more; not after close(). `reads_in_a_row` go before other handlers have
  /// their turn.
  child_output(const boost::asio::any_io_executor& strand,
               std::function<void(std::string_view)> take, std::function<void()> ended,
               int reads_in_a_row = 1);
  child_output(const child_output&) = delete;
  child_output& operator=(const child_output&) = delete;

  /// Takes `fd` over, which does not block. -1: there is no such output.
  result<void> open(int fd);
  /// Opened, and not at its end.
  bool is_open() const noexcept { return fd_.is_open(); }
  int native_handle() { return fd_.native_handle(); }

  /// Begins to read, and goes on until the end. `owner` holds this object; it lives as long.
  void read(std::shared_ptr<void> owner);
  /// What it prints stays where it is, until the child waits in its writes.
  void hold() noexcept { held_ = true; }
  /// After hold(): reads again.
  void let_go(std::shared_ptr<void> owner);
  /// The last reading after the child's end, however late that was heard of: all that it printed,
  /// without waiting. Who prints on is not followed: it ends with what a pipe or terminal holds.
  void read_rest();
  /// A later write of whoever holds the other end fails.
  void close();

private:
  void turn(std::shared_ptr<void> owner);
  std::size_t read_once();
  std::size_t capacity();

  boost::asio::posix::stream_descriptor fd_;
  std::function<void(std::string_view)> take_;
  std::function<void()> ended_;
  int reads_in_a_row_;
  bool held_ = false;
  bool parked_ = false; ///< there is something to read, once it may be
};

} // namespace holt
