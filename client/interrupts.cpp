// SPDX-License-Identifier: Apache-2.0
#include "client/interrupts.hpp"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

namespace holt::client {

namespace {

std::atomic<int> write_fd{-1};
std::atomic<int> first{0};

void caught(int number) {
  const int before = errno;
  int none = 0;
  first.compare_exchange_strong(none, number);
  const char byte = 0;
  [[maybe_unused]] const auto put = ::write(write_fd.load(), &byte, 1);
  errno = before;
}

} // namespace

interrupts::interrupts() {
  int pair[2] = {-1, -1};
  if (::pipe2(pair, O_CLOEXEC | O_NONBLOCK) != 0)
    return;
  read_fd_ = pair[0];
  write_fd = pair[1];
  first = 0;
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGALRM}) {
    kept one{number, {}};
    ::sigaction(number, nullptr, &one.before);
    if (number != SIGALRM && one.before.sa_handler == SIG_IGN)
      continue; // nohup, a shell's background job
    struct sigaction how = {};
    how.sa_handler = caught;
    sigemptyset(&how.sa_mask);
    ::sigaction(number, &how, nullptr);
    kept_.push_back(one);
  }
}

interrupts::~interrupts() {
  deadline(std::chrono::milliseconds{0});
  for (const auto& one : kept_)
    ::sigaction(one.number, &one.before, nullptr);
  if (const int fd = write_fd.exchange(-1); fd >= 0)
    ::close(fd);
  if (read_fd_ >= 0)
    ::close(read_fd_);
}

int interrupts::which() const noexcept {
  return first.load();
}

void interrupts::forget() {
  char bytes[64];
  while (::read(read_fd_, bytes, sizeof bytes) > 0)
    continue;
  first = 0;
}

void interrupts::deadline(std::chrono::milliseconds after) {
  itimerval when = {};
  when.it_value.tv_sec = after.count() / 1000;
  when.it_value.tv_usec = static_cast<suseconds_t>(after.count() % 1000 * 1000);
  ::setitimer(ITIMER_REAL, &when, nullptr);
}

} // namespace holt::client
