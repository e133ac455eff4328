// SPDX-License-Identifier: Apache-2.0
#pragma once

// Wakes a thread that waits for an X connection: an eventfd beside the socket. wake() from any
// thread; wait() from the owner's only.

#include <chrono>

namespace holt::stream {

class wake_fd {
public:
  wake_fd();
  ~wake_fd();
  wake_fd(const wake_fd&) = delete;
  wake_fd& operator=(const wake_fd&) = delete;

  bool valid() const noexcept { return fd_ >= 0; }
  void wake() noexcept;

  /// Until `other` is readable, wake() was called or the time is up; takes the wake-ups.
  void wait(int other, std::chrono::steady_clock::time_point until) noexcept;

private:
  int fd_;
};

} // namespace holt::stream
