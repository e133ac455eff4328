// SPDX-License-Identifier: Apache-2.0
#pragma once

// Signals that end a verb, as a descriptor: readable once one came, and then for good. One at a
// time in a process; made before threads are. The handlers that were there come back with its end.

#include <chrono>
#include <csignal>
#include <vector>

namespace holt::client {

class interrupts {
public:
  /// Takes SIGINT, SIGTERM and SIGHUP (where it is not ignored), and SIGALRM for a deadline.
  interrupts();
  interrupts(const interrupts&) = delete;
  interrupts& operator=(const interrupts&) = delete;
  ~interrupts();

  int fd() const noexcept { return read_fd_; }
  /// The first that came; 0: none. SIGALRM: the deadline.
  int which() const noexcept;
  /// From now on it is as if nothing had come, for what is still to be put in order.
  void forget();
  void deadline(std::chrono::milliseconds after);

private:
  struct kept {
    int number;
    struct sigaction before;
  };
  int read_fd_ = -1;
  std::vector<kept> kept_;
};

} // namespace holt::client
