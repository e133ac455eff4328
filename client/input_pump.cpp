// SPDX-License-Identifier: Apache-2.0
#include "client/input_pump.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace holt::client {

input_pump::input_pump(int fd, std::size_t piece, std::function<bool(std::string)> take,
                       std::function<void()> end)
  : fd_{fd}, piece_{piece}, take_{std::move(take)}, end_{std::move(end)} {
  if (::pipe2(stop_, O_CLOEXEC | O_NONBLOCK) != 0)
    stop_[0] = stop_[1] = -1;
}

void input_pump::start() {
  // Signals are for the first thread.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread{[this] { run(); }};
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

input_pump::~input_pump() {
  if (stop_[1] >= 0)
    ::close(stop_[1]); // the other end becomes readable
  if (thread_.joinable())
    thread_.join();
  if (stop_[0] >= 0)
    ::close(stop_[0]);
}

void input_pump::run() {
  std::string buffer(piece_, '\0');
  while (true) {
    pollfd both[2] = {{fd_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    if (::poll(both, 2, -1) < 0 && errno != EINTR)
      return end_();
    if (both[1].revents != 0)
      return;
    if (both[0].revents == 0)
      continue;
    const auto got = ::read(fd_, buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
      continue;
    if (got <= 0) // also EIO: a terminal that hung up
      return end_();
    if (!take_(buffer.substr(0, static_cast<std::size_t>(got))))
      return;
  }
}

} // namespace holt::client
