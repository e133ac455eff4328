// SPDX-License-Identifier: Apache-2.0

#include "shell/job_terminal.hpp"

#include <sys/ioctl.h>

#include <cerrno>
#include <csignal>
#include <unistd.h>

namespace holt::shell {

namespace {

/// A process group of the session that `leader` leads; 0: none, or `leader` was reaped (it is 0).
pid_t foreground_group(int master, pid_t leader) {
  pid_t group = 0;
  if (leader <= 0 || ::ioctl(master, TIOCGPGRP, &group) != 0 || group <= 0)
    return 0;
  // The terminal remembers a number; only where it is one of our session it is meant.
  const auto session = ::getsid(group);
  return session == leader || (session < 0 && errno == ESRCH) ? group : 0;
}

} // namespace

void resize_terminal(int master, unsigned columns, unsigned rows) {
  const winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0, 0};
  ::ioctl(master, TIOCSWINSZ, &size);
}

void signal_job(int master, child_wait& leader, int number) {
  if (const auto group = foreground_group(master, leader.pid()); group > 0)
    ::kill(-group, number);
  else
    leader.signal(number, true);
}

} // namespace holt::shell
