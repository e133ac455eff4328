// SPDX-License-Identifier: Apache-2.0

#include "transport/keeper.hpp"

#include "transport/cgroup.hpp"
#include "transport/process_sweep.hpp"

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <unistd.h>

namespace holt {
namespace {

constexpr std::array passed_on{SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

int complain(const char* what) {
  std::fprintf(stderr, "holt: %s: %s\n", what, std::strerror(errno));
  return 70;
}

/// In the child: never returns.
[[noreturn]] void become_daemon(const keeper_options& how, pid_t keeper, int link,
                                const sigset_t& mask) {
  ::setsid();
  // Its orderly stop, should the keeper be killed; the link below says the same without a signal.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != keeper)
    ::_exit(143);
  ::fcntl(link, F_SETFD, 0);
  ::setenv(keeper_variable, std::to_string(link).c_str(), 1);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  std::vector<char*> argv;
  for (const auto& each : how.argv)
    argv.push_back(const_cast<char*>(each.c_str()));
  argv.push_back(nullptr);
  ::execv(how.program.c_str(), argv.data());
  complain("cannot execute the daemon");
  ::_exit(127);
}

/// Waits for every child that ended. True when `daemon` was among them; `status` is its end.
bool reap(pid_t daemon, int& status) {
  bool gone = false;
  for (;;) {
    int each = 0;
    const auto pid = ::waitpid(-1, &each, WNOHANG);
    if (pid < 0 && errno == EINTR)
      continue;
    if (pid <= 0)
      return gone;
    if (pid == daemon) {
      gone = true;
      status = each;
    }
  }
}

} // namespace

namespace {

/// How long the daemon may take to end once it was asked to, and less when it is asked again.
class stop_limit {
public:
  explicit stop_limit(const keeper_options& how) : how_{how} {}

  void asked() {
    auto due = clock::now() + (until_ ? how_.second_limit : how_.first_limit);
    until_ = until_ ? std::min(*until_, due) : due;
  }

  /// For poll(): -1 without a limit.
  int left_ms() const {
    if (!until_)
      return -1;
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*until_ - clock::now());
    return static_cast<int>(std::max<std::int64_t>(0, left.count()));
  }

  bool over() const { return until_ && clock::now() >= *until_; }

private:
  using clock = std::chrono::steady_clock;
  const keeper_options& how_;
  std::optional<clock::time_point> until_;
};

} // namespace

int run_keeper(const keeper_options& how) {
  sigset_t watched;
  sigset_t before;
  ::sigemptyset(&watched);
  ::sigaddset(&watched, SIGCHLD);
  for (const int number : passed_on)
    ::sigaddset(&watched, number);
  // Blocked before the fork: a signal that comes in between waits for the descriptor.
  ::sigprocmask(SIG_BLOCK, &watched, &before);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const int signals = ::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  std::array<int, 2> link{};
  if (signals < 0 || ::pipe2(link.data(), O_CLOEXEC) != 0)
    return complain("cannot start the keeper");
  const auto keeper = ::getpid();
  const pid_t daemon = ::fork();
  if (daemon < 0)
    return complain("cannot fork the daemon");
  if (daemon == 0)
    become_daemon(how, keeper, link[0], before);
  ::close(link[0]); // link[1] stays open for as long as we live

  int status = 0;
  stop_limit limit{how};
  while (!reap(daemon, status)) {
    pollfd wait{signals, POLLIN, 0};
    if (::poll(&wait, 1, limit.left_ms()) < 0 && errno != EINTR)
      break;
    if (limit.over())
      ::kill(daemon, SIGKILL); // it hangs; what it leaves is swept below
    signalfd_siginfo news{};
    while (::read(signals, &news, sizeof news) == sizeof news) {
      if (news.ssi_signo == SIGCHLD)
        continue;
      ::kill(daemon, static_cast<int>(news.ssi_signo));
      if (news.ssi_signo == SIGTERM || news.ssi_signo == SIGINT) {
        ::kill(daemon, SIGCONT); // a stopped one could not hear it
        limit.asked();
      }
    }
  }
  const auto swept_by = std::chrono::steady_clock::now() + how.sweep_limit;
  kill_cgroups_of(daemon, std::chrono::steady_clock::now() + how.sweep_limit / 2);
  const auto left = sweep_descendants(swept_by);
  if (left.survivors > 0)
    std::fprintf(stderr, "holt: %u processes of the daemon could not be killed\n", left.survivors);
  int ignored = 0;
  reap(-1, ignored);
  ::close(signals);
  ::close(link[1]);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace holt
