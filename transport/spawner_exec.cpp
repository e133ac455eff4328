// SPDX-License-Identifier: Apache-2.0

#include "transport/spawner_exec.hpp"

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <memory>
#include <sched.h>
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
  // A process that exists already moves: the kernel then waits until no thread is just being made
  // anywhere, which takes 16 ms here when nobody has moved for a moment. Hence clone_into().
  if (what.cgroup_fd >= 0 && !failure.in_cgroup)
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

struct child_side {
  const exec_request& what;
  exec_failure& failure;
};

[[noreturn]] void be_child(void* raw) noexcept {
  auto& side = *static_cast<child_side*>(raw);
  become(side.what, side.failure);
  side.failure.number = errno == 0 ? EINVAL : errno;
  ::_exit(127);
}

// Sanitizers want to know every stack.
#if defined(__x86_64__) && defined(SYS_clone3) && !defined(__SANITIZE_ADDRESS__)                   \
  && !defined(__SANITIZE_THREAD__)

/// As the kernel has it (linux/sched.h, of 5.7).
struct clone_wish {
  alignas(8) std::uint64_t flags = 0;
  std::uint64_t pidfd = 0;
  std::uint64_t child_tid = 0;
  std::uint64_t parent_tid = 0;
  std::uint64_t exit_signal = 0;
  std::uint64_t stack = 0;
  std::uint64_t stack_size = 0;
  std::uint64_t tls = 0;
  std::uint64_t set_tid = 0;
  std::uint64_t set_tid_size = 0;
  std::uint64_t cgroup = 0;
};

constexpr std::uint64_t into_cgroup = 0x200000000; ///< CLONE_INTO_CGROUP
constexpr std::size_t child_stack = 64 * 1024;

/// vfork into a group: like vfork the caller stands still until the child has executed or ended.
/// The child has a stack of its own, since nobody else could return on the caller's.
__attribute__((noinline)) pid_t clone_into(child_side& side) noexcept {
  static thread_local const auto stack = std::make_unique<char[]>(child_stack);
  clone_wish wish;
  wish.flags = CLONE_VM | CLONE_VFORK | into_cgroup;
  wish.exit_signal = SIGCHLD;
  wish.stack = reinterpret_cast<std::uintptr_t>(stack.get());
  wish.stack_size = child_stack;
  wish.cgroup = static_cast<std::uint64_t>(side.what.cgroup_folder);
  side.failure.in_cgroup = true;
  long got = SYS_clone3;
  register auto entry asm("r12") = &be_child; // the kernel leaves these two alone
  register void* argument asm("r13") = &side;
  asm volatile("syscall\n\t"
               "test %%rax, %%rax\n\t"
               "jnz 1f\n\t"
               "xor %%ebp, %%ebp\n\t"
               "mov %%r13, %%rdi\n\t"
               "call *%%r12\n\t"
               "ud2\n"
               "1:"
               : "+a"(got)
               : "D"(&wish), "S"(sizeof wish), "r"(entry), "r"(argument)
               : "rcx", "r11", "memory", "cc");
  if (got > 0)
    return static_cast<pid_t>(got);
  side.failure.in_cgroup = false;
  errno = static_cast<int>(-got);
  return -1;
}

#else

pid_t clone_into(child_side&) noexcept {
  errno = ENOSYS;
  return -1;
}

#endif

} // namespace

pid_t vfork_and_exec(const exec_request& what, exec_failure& failure) noexcept {
  child_side side{what, failure};
  if (what.cgroup_folder >= 0) {
    const pid_t pid = clone_into(side);
    if (pid > 0 || errno == EAGAIN || errno == ENOMEM)
      return pid;
    // An older kernel, or a group that takes nobody: the child tries itself.
  }
  const pid_t pid = ::vfork();
  if (pid == 0)
    be_child(&side);
  return pid;
}

} // namespace holt::detail
