// SPDX-License-Identifier: Apache-2.0

#include "transport/child_wait.hpp"

#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <unistd.h>
#include <utility>

namespace holt {
namespace {

exit_status to_status(int native) {
  exit_status out;
  if (WIFSIGNALED(native))
    out.signal = WTERMSIG(native);
  else
    out.code = WEXITSTATUS(native);
  return out;
}

} // namespace

result<void> child_wait::begin(const launched& child, std::function<void(exit_status)> ended) {
  try {
    alive_.emplace(strand_, child.pid, child.pidfd);
  } catch (const std::exception& e) { // epoll takes no more
    abandon(child);
    return error{errc::spawn_failed, std::string("Cannot watch a child: ") + e.what()};
  }
  wait(std::move(ended));
  return {};
}

void child_wait::abandon(const launched& child) {
  ::kill(child.pid, SIGKILL);
  while (::waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  children_->release(child.pid);
  ::close(child.pidfd);
}

pid_t child_wait::pid() const {
  return alive_ ? alive_->id() : 0;
}

void child_wait::signal(int number, bool group) {
  if (alive_)
    ::kill(group ? -alive_->id() : alive_->id(), number);
}

void child_wait::wait(std::function<void(exit_status)> ended) {
  // `ended` keeps us alive; in the handler, so that an event loop that goes lets go of us too.
  alive_->async_wait([this, ended = std::move(ended)](boost::system::error_code ec, int) mutable {
    reaped(ec, std::move(ended));
  });
}

void child_wait::reaped(boost::system::error_code ec, std::function<void(exit_status)> ended) {
  if (ec == boost::system::errc::interrupted) {
    // Boost's waitpid was hit by a signal (SIGCHLD, with other children ending on other threads:
    // 1 in 1,000 measured): nothing was reaped, ask again.
    wait(std::move(ended));
    return;
  }
  const auto status = ec ? exit_status{} : to_status(alive_->native_exit_code());
  const auto pid = alive_->id();
  // Its destructor would wait for, or kill, whoever has the number now.
  alive_->detach();
  alive_.reset();
  children_->release(pid);
  if (ended)
    ended(status);
}

} // namespace holt
