// SPDX-License-Identifier: Apache-2.0

#include "transport/child_output.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace holt {

using boost::system::error_code;

namespace {

/// All that a pipe holds, as the kernel makes it.
constexpr std::size_t read_bytes = 64 * 1024;
/// More than a terminal holds for its master: it hands out 4 KiB at a time.
constexpr std::size_t terminal_bytes = 80 * 1024;

} // namespace

child_output::child_output(const boost::asio::any_io_executor& strand,
                           std::function<void(std::string_view)> take, std::function<void()> ended,
                           int reads_in_a_row)
  : fd_(strand),
    take_(std::move(take)),
    ended_(std::move(ended)),
    reads_in_a_row_(reads_in_a_row) {}

result<void> child_output::open(int fd) {
  if (fd < 0)
    return {};
  error_code failure;
  fd_.assign(fd, failure); // closes it from here on
  if (!failure)
    return {};
  ::close(fd);
  return error{errc::spawn_failed, "Cannot read of a child: " + failure.message()};
}

void child_output::read(std::shared_ptr<void> owner) {
  if (!fd_.is_open())
    return;
  fd_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                 [this, owner = std::move(owner)](error_code) mutable { turn(std::move(owner)); });
}

void child_output::turn(std::shared_ptr<void> owner) {
  for (int i = 0; i < reads_in_a_row_ && !held_; ++i)
    if (read_once() == 0)
      break;
  if (held_)
    parked_ = true;
  else
    read(std::move(owner));
}

void child_output::let_go(std::shared_ptr<void> owner) {
  held_ = false;
  if (std::exchange(parked_, false))
    read(std::move(owner));
}

void child_output::read_rest() {
  // Bytes leave in the order in which they came: what the child printed is among the first of them.
  for (auto left = fd_.is_open() ? capacity() : 0; left > 0 && !held_;) {
    const auto n = read_once();
    if (n == 0)
      break;
    left -= std::min(left, n);
  }
}

void child_output::close() {
  error_code ignored;
  fd_.close(ignored);
}

/// 0: nothing is there, or it is over.
std::size_t child_output::read_once() {
  if (!fd_.is_open())
    return 0;
  std::array<char, read_bytes> buffer; // not shared: `take_` may have another output read
  const auto n = ::read(fd_.native_handle(), buffer.data(), buffer.size());
  if (n > 0) {
    take_({buffer.data(), static_cast<std::size_t>(n)});
    return static_cast<std::size_t>(n);
  }
  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return 0;
  close(); // a terminal says it with EIO
  ended_();
  return 0;
}

std::size_t child_output::capacity() {
  const int size = ::fcntl(fd_.native_handle(), F_GETPIPE_SZ);
  return size > 0 ? static_cast<std::size_t>(size) : terminal_bytes;
}

} // namespace holt
