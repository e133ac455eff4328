// SPDX-License-Identifier: Apache-2.0

#include "transport/spawner_exec.hpp"

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <unistd.h>

namespace holt::detail {
namespace {

bool close_between(unsigned first, unsigned last) noexcept {
  return first > last || ::syscall(SYS_close_range, first, last, 0U) == 0;
}

/// By bare system calls: libc's wrappers would change the user of the parent's threads, whose
/// memory this is.
bool switch_user(const exec_request& what) noexcept {
  return ::syscall(SYS_setgroups, what.group_count, what.groups) == 0
         && ::syscall(SYS_setresgid, what.gid, what.gid, what.gid) == 0
         && ::syscall(SYS_setresuid, what.uid, what.uid, what.uid) == 0;
}

/// Only returns on failure, with errno.
__attribute__((noinline)) void become(const exec_request& what, exec_failure& failure) noexcept {
  // First, so that nothing of it is ever outside. Not joining is no failure: the sweep suffices.
  if (what.cgroup_fd >= 0)
    failure.in_cgroup = ::write(what.cgroup_fd, "0", 1) == 1;
  failure.stage = exec_stage::session;
  if (::setsid() < 0)
    return;
  failure.stage = exec_stage::descriptors;
  for (int number = 0; number < 3; ++number)
    if (::dup2(what.stdio[number], number) < 0)
      return;
  if (what.terminal && ::ioctl(0, TIOCSCTTY, 0) < 0)
    return;
  unsigned next = 3;
  for (std::size_t i = 0; i < what.fd_count; ++i) {
    const auto [number, source] = what.fds[i];
    if (::dup2(source, number) < 0)
      return;
    if (!close_between(next, static_cast<unsigned>(number) - 1))
      return;
    next = static_cast<unsigned>(number) + 1;
  }
  if (!close_between(next, ~0U))
    return;
  failure.stage = exec_stage::limits;
  const rlimit no_core{0, 0};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0 || ::setrlimit(RLIMIT_NOFILE, &what.open_files) != 0)
    return;
  failure.stage = exec_stage::user;
  if (what.switch_user && !switch_user(what))
    return;
  failure.stage = exec_stage::session;
  // Only now: a change of user clears it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    return;
  if (::getppid() != what.parent) { // it died before the line above
    errno = ESRCH;
    return;
  }
  failure.stage = exec_stage::folder; // as the new user sees it
  if (::chdir(what.cwd) != 0)
    return;
  failure.stage = exec_stage::execute;
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int s = 1; s < NSIG; ++s)
    ::sigaction(s, &standard, nullptr); // SIGKILL, SIGSTOP and libc's own refuse; they are default
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(what.program, what.argv, what.env);
}

} // namespace

pid_t vfork_and_exec(const exec_request& what, exec_failure& failure) noexcept {
  const pid_t pid = ::vfork();
  if (pid == 0) {
    become(what, failure);
    failure.number = errno == 0 ? EINVAL : errno;
    ::_exit(127);
  }
  return pid;
}

} // namespace holt::detail
