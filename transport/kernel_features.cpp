// SPDX-License-Identifier: Apache-2.0

#include "transport/kernel_features.hpp"

#include "transport/cgroup.hpp"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fcntl.h>
#include <fstream>
#include <linux/openat2.h>
#include <sched.h>
#include <unistd.h>

namespace holt {
namespace {

// Debian's header knows ABI 2 at most; the number of the call and this flag are stable.
constexpr long landlock_create_ruleset = 444;
constexpr unsigned landlock_version = 1U << 0;

bool has_pidfd() {
  const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
  if (fd < 0)
    return false;
  const bool good = ::syscall(SYS_pidfd_send_signal, fd, 0, nullptr, 0U) == 0;
  ::close(fd);
  return good;
}

bool has_openat2() {
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const auto fd = static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how));
  if (fd < 0)
    return errno != ENOSYS && errno != EPERM; // the current folder may be gone
  ::close(fd);
  return true;
}

bool has_user_namespaces() {
  const pid_t pid = ::fork();
  if (pid == 0)
    ::_exit(::unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
  int status = -1;
  while (pid > 0 && ::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void look_at_cgroup(kernel_features& out) {
  out.cgroup = own_cgroup();
  if (out.cgroup.empty())
    return;
  const auto probe = out.cgroup + "/holt-probe-" + std::to_string(::getpid());
  if (::mkdir(probe.c_str(), 0755) == 0) {
    out.cgroup_writable = true;
    out.cgroup_kill = ::access((probe + "/cgroup.kill").c_str(), W_OK) == 0;
    ::rmdir(probe.c_str());
  }
  std::ifstream controllers{out.cgroup + "/cgroup.controllers"};
  std::string word;
  while (controllers >> word)
    out.cgroup_memory = out.cgroup_memory || word == "memory";
}

} // namespace

kernel_features detect_kernel_features() {
  kernel_features out;
  utsname name{};
  if (::uname(&name) == 0)
    out.release = name.release;
  out.pidfd = has_pidfd();
  // An empty range far above every number.
  out.close_range = ::syscall(SYS_close_range, ~0U, ~0U, 0U) == 0;
  out.openat2 = has_openat2();
  const auto abi = ::syscall(landlock_create_ruleset, nullptr, 0UL, landlock_version);
  out.landlock_abi = abi > 0 ? static_cast<int>(abi) : 0;
  out.user_namespaces = has_user_namespaces();
  int subreaper = 0;
  out.subreaper = ::prctl(PR_GET_CHILD_SUBREAPER, &subreaper) == 0;
  look_at_cgroup(out);
  return out;
}

std::vector<feature_row> describe(const kernel_features& what) {
  return {
    {"pidfd", what.pidfd, true, "children are waited for and signalled without races"},
    {"close_range", what.close_range, true, "children inherit no descriptor"},
    {"subreaper", what.subreaper, true, "orphans of children are found and killed"},
    {"openat2", what.openat2, false, "files stay below the workspace"},
    {"landlock", what.landlock_abi > 0, false,
     what.landlock_abi > 0 ? "jail by path, ABI " + std::to_string(what.landlock_abi)
                           : "no jail by path"},
    {"user_namespaces", what.user_namespaces, false,
     what.user_namespaces ? "browsers keep their own sandbox" : "browsers run with --no-sandbox"},
    {"cgroup_kill", what.cgroup_writable && what.cgroup_kill, false,
     "a tree of processes ends in one call"},
    {"cgroup_memory", what.cgroup_memory, false, "memory of children can be limited"},
  };
}

} // namespace holt
