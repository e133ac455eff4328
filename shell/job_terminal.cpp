// SPDX-License-Identifier: Apache-2.0

#include "shell/job_terminal.hpp"

#include <sys/ioctl.h>

#include <cerrno>
#include <unistd.h>

namespace holt::shell {

void resize_terminal(int master, unsigned columns, unsigned rows) {
  const winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0, 0};
  ::ioctl(master, TIOCSWINSZ, &size);
}

pid_t foreground_group(int master, pid_t leader) {
  pid_t group = 0;
  if (leader <= 0 || ::ioctl(master, TIOCGPGRP, &group) != 0 || group <= 0)
    return 0;
  // The terminal remembers a number; only where it is one of our session it is meant.
  const auto session = ::getsid(group);
  return session == leader || (session < 0 && errno == ESRCH) ? group : 0;
}

} // namespace holt::shell
