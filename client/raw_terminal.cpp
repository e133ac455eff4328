// SPDX-License-Identifier: Apache-2.0
#include "client/raw_terminal.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace holt::client {

namespace {

termios before;
std::atomic<bool> raw{false};

void restore() {
  if (raw.exchange(false))
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

/// Only what a signal handler may call: tcsetattr is on POSIX's list.
void crashed(int number) {
  restore();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

} // namespace

std::optional<terminal_size> window_size() {
  for (const int fd : {STDOUT_FILENO, STDIN_FILENO}) {
    winsize size = {};
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0)
      return terminal_size{size.ws_col, size.ws_row};
  }
  return {};
}

raw_terminal::raw_terminal() {
  static const bool once = [] {
    std::atexit(restore);
    for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGQUIT})
      std::signal(number, crashed);
    return true;
  }();
  (void)once;
  if (::tcgetattr(STDIN_FILENO, &before) == 0)
    enter();
}

void raw_terminal::enter() {
  termios how = before;
  ::cfmakeraw(&how);
  how.c_cc[VMIN] = 1;
  how.c_cc[VTIME] = 0;
  raw = true; // first: a signal in between restores too much rather than too little
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &how);
}

void raw_terminal::leave() {
  restore();
}

raw_terminal::~raw_terminal() {
  restore();
}

} // namespace holt::client
