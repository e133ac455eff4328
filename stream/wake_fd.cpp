// SPDX-License-Identifier: Apache-2.0
#include "stream/wake_fd.hpp"

#include <algorithm>
#include <cstdint>
#include <ctime>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace holt::stream {

wake_fd::wake_fd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

wake_fd::~wake_fd() {
  if (fd_ >= 0)
    ::close(fd_);
}

void wake_fd::wake() noexcept {
  const std::uint64_t one = 1;
  // Fails only when the counter is full: then the thread is awake anyway.
  [[maybe_unused]] auto n = ::write(fd_, &one, sizeof one);
}

void wake_fd::wait(int other, std::chrono::steady_clock::time_point until) noexcept {
  using namespace std::chrono;
  auto left = std::max(until - steady_clock::now(), steady_clock::duration::zero());
  auto whole = duration_cast<seconds>(left);
  timespec time{static_cast<std::time_t>(whole.count()),
                static_cast<long>(duration_cast<nanoseconds>(left - whole).count())};
  pollfd fds[] = {{other, POLLIN, 0}, {fd_, POLLIN, 0}};
  if (::ppoll(fds, 2, &time, nullptr) > 0 && (fds[1].revents & POLLIN) != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] auto n = ::read(fd_, &count, sizeof count);
  }
}

} // namespace holt::stream
