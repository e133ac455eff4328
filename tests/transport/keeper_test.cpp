// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE keeper

#include "transport/keeper.hpp"
#include "transport/keeper_link.hpp"

#include "check.hpp"
#include "transport/process_fixture.hpp"

#include <caf/all.hpp>

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>

using namespace holt;
using namespace holt::test;

namespace {

constexpr const char* script_variable = "HOLT_TEST_KEEPER_SCRIPT";

/// Before main: this program, started again with the variable, is a keeper over that script. Like
/// the real one it has a single thread; a fork of the test (CAF's watchdog runs) would not.
[[maybe_unused]] const bool not_a_keeper = [] {
  const char* script = std::getenv(script_variable);
  if (!script)
    return true;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  keeper_options how;
  how.program = "/bin/sh";
  how.argv = {"sh", "-c", script};
  ::unsetenv(script_variable);
  ::_exit(run_keeper(how));
}();

/// A process that runs the keeper over a shell script; what the script prints.
struct kept {
  pid_t keeper = 0;
  int output = -1;
  std::string text;

  explicit kept(const std::string& script) {
    // Whatever a failing test leaves behind comes to us.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    std::array<int, 2> pipe{};
    CAF_REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, pipe[1], 1);
    ::setenv(script_variable, script.c_str(), 1);
    std::string name = "keeper";
    std::array<char*, 2> argv{name.data(), nullptr};
    CAF_REQUIRE(::posix_spawn(&keeper, "/proc/self/exe", &actions, nullptr, argv.data(), environ)
                == 0);
    ::unsetenv(script_variable);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    output = pipe[0];
  }
  ~kept() {
    ::close(output);
    sweep_descendants(steady_clock::now() + milliseconds{20'000});
    if (keeper > 0)
      ::waitpid(keeper, nullptr, 0);
  }

  /// The next line of the script's output, within 20 s.
  std::string line() {
    for (;;) {
      if (const auto end = text.find('\n'); end != std::string::npos) {
        auto out = text.substr(0, end);
        text.erase(0, end + 1);
        return out;
      }
      pollfd wait{output, POLLIN, 0};
      std::array<char, 256> buffer{};
      if (::poll(&wait, 1, 20'000) <= 0)
        return "<nothing>";
      const auto n = ::read(output, buffer.data(), buffer.size());
      if (n <= 0)
        return "<end>";
      text.append(buffer.data(), static_cast<std::size_t>(n));
    }
  }

  int exit_code() {
    int status = -1;
    CAF_CHECK(eventually([&] { return ::waitpid(keeper, &status, WNOHANG) == keeper; }));
    keeper = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
};

} // namespace

CAF_TEST(the keeper ends with the code of the daemon) {
  CAF_CHECK_EQUAL(kept{"exit 0"}.exit_code(), 0);
  CAF_CHECK_EQUAL(kept{"exit 75"}.exit_code(), 75);
  CAF_CHECK_EQUAL(kept{"kill -SEGV $$"}.exit_code(), 128 + SIGSEGV);
}

CAF_TEST(signals are passed on each time) {
  kept k{"trap 'echo hup' HUP; trap 'echo int' INT; n=0; trap 'n=$((n+1)); echo term $n; "
         "[ $n = 2 ] && exit 9' TERM; echo ready; while :; do sleep 0.01; done"};
  CAF_REQUIRE(k.line() == "ready");
  ::kill(k.keeper, SIGHUP);
  CAF_CHECK_EQUAL(k.line(), "hup");
  ::kill(k.keeper, SIGINT);
  CAF_CHECK_EQUAL(k.line(), "int");
  ::kill(k.keeper, SIGTERM);
  CAF_CHECK_EQUAL(k.line(), "term 1");
  ::kill(k.keeper, SIGTERM);
  CAF_CHECK_EQUAL(k.line(), "term 2");
  CAF_CHECK_EQUAL(k.exit_code(), 9);
}

CAF_TEST(when the daemon is killed nothing of it is left) {
  kept k{"for i in 1 2 3 4 5 6 7 8 9 10; do setsid sh -c 'setsid sleep 1000 & exit 0'; "
         "env -i /usr/bin/setsid /bin/sh -c '/bin/sleep 1000 & exit 0'; sleep 1000 & done "
         "> /dev/null 2>&1; echo $$; read x < /dev/zero"};
  const auto daemon = std::stoi(k.line());
  CAF_CHECK(eventually([] { return descendants(read_process_table(), ::getpid()).size() >= 32; }));
  const auto begin = steady_clock::now();
  ::kill(daemon, SIGKILL);
  CAF_CHECK_EQUAL(k.exit_code(), 128 + SIGKILL);
  CAF_CHECK(steady_clock::now() - begin < milliseconds{30'000});
  CAF_CHECK(descendants(read_process_table(), ::getpid()).empty());
}

CAF_TEST(orphans are reaped while the daemon runs) {
  kept k{"for i in 1 2 3 4 5; do (setsid true &) ; done; echo ready; sleep 1000"};
  CAF_REQUIRE(k.line() == "ready");
  CAF_CHECK(eventually([&] {
    const auto table = read_process_table();
    const auto below = descendants(table, k.keeper);
    return below.size() == 2; // the shell and its sleep
  }));
  ::kill(k.keeper, SIGTERM);
  CAF_CHECK_EQUAL(k.exit_code(), 128 + SIGTERM);
}

CAF_TEST(when the keeper is killed the daemon gets its signal and the end of the link) {
  // Files close before the signal is sent: the shell stays for it.
  kept k{"trap 'echo term; t=1' TERM; echo ready; cat <&$HOLT_KEEPER_FD; echo gone; "
         "[ $t ] || { sleep 30 & wait $!; kill $!; }"};
  CAF_REQUIRE(k.line() == "ready");
  ::kill(k.keeper, SIGKILL);
  const auto first = k.line();
  const auto second = k.line();
  CAF_CHECK((first == "gone" || first == "term"));
  CAF_CHECK((second == "gone" || second == "term"));
  CAF_CHECK(first != second);
}

CAF_TEST(the link calls back when its other end is closed) {
  std::array<int, 2> pipe{};
  CAF_REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
  ::setenv(keeper_variable, std::to_string(pipe[0]).c_str(), 1);
  boost::asio::io_context io;
  bool gone = false;
  keeper_link link{io.get_executor(), [&] { gone = true; }};
  CAF_CHECK(link.has_keeper());
  CAF_CHECK(std::getenv(keeper_variable) == nullptr);
  CAF_CHECK(!run_until(
    io, [&] { return gone; }, milliseconds{20}));
  ::close(pipe[1]);
  CAF_CHECK(run_until(io, [&] { return gone; }));
}

CAF_TEST(without a keeper there is no link) {
  boost::asio::io_context io;
  ::unsetenv(keeper_variable);
  CAF_CHECK(!keeper_link(io.get_executor(), [] {}).has_keeper());
  for (const auto* text : {"", "x", "0", "-1", "3x", "99999999999999", "1000"}) {
    ::setenv(keeper_variable, text, 1);
    CAF_CHECK(!keeper_link(io.get_executor(), [] {}).has_keeper());
  }
}
