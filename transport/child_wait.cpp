// SPDX-License-Identifier: Apache-2.0

#include "transport/child_wait.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <fcntl.h>
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
  rusage own{};
  ::getrusage(RUSAGE_SELF, &own);
  own_peak_ = static_cast<std::uint64_t>(own.ru_maxrss) * 1024;
  if (const int second = ::fcntl(child.pidfd, F_DUPFD_CLOEXEC, 3); second >= 0) {
    try {
      end_.emplace(strand_, second);
    } catch (const std::exception&) {
      end_.reset();
      ::close(second);
    }
  }
  if (end_)
    look_first(std::move(ended));
  else
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

void child_wait::look_first(std::function<void(exit_status)> ended) {
  using boost::asio::posix::descriptor_base;
  end_->async_wait(descriptor_base::wait_read, [this, ended = std::move(ended)](
                                                 boost::system::error_code ec) mutable {
    if (ec == boost::asio::error::operation_aborted)
      return; // the event loop goes
    end_.reset();
    siginfo_t who{};
    rusage used{};
    // The bare call: libc's has no fifth argument. It stays a zombie for Boost.Process.
    const auto pid = static_cast<id_t>(alive_->id());
    if (::syscall(SYS_waitid, P_PID, pid, &who, WEXITED | WNOHANG | WNOWAIT, &used) == 0
        && who.si_pid != 0) {
      const auto most = static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
      // The kernel carries the peak over exec(): up to ours it says nothing about the child.
      peak_ = most > own_peak_ ? most : 0;
    }
    wait(std::move(ended));
  });
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
  auto status = ec ? exit_status{} : to_status(alive_->native_exit_code());
  status.peak_rss_bytes = peak_;
  const auto pid = alive_->id();
  // Its destructor would wait for, or kill, whoever has the number now.
  alive_->detach();
  alive_.reset();
  children_->release(pid);
  if (ended)
    ended(status);
}

} // namespace holt
