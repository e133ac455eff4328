// SPDX-License-Identifier: Apache-2.0
#pragma once

// A real Xvfb for one test, on a display of its own choice, ended with the object. Header only,
// shared by the test programs of desktop and stream.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace holt::test {

inline bool has_program(const std::string& name) {
  std::string path = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "/usr/bin:/bin";
  for (std::size_t at = 0; at <= path.size();) {
    auto end = std::min(path.find(':', at), path.size());
    if (::access((path.substr(at, end - at) + "/" + name).c_str(), X_OK) == 0)
      return true;
    at = end + 1;
  }
  return false;
}

/// True and says so when one of these programs is missing.
inline bool skipped(const char* test, std::initializer_list<const char*> programs) {
  for (const auto* program : programs)
    if (!has_program(program)) {
      std::printf("SKIPPED %s: %s is not installed\n", test, program);
      return true;
    }
  return false;
}

/// A child that dies with the object.
class child {
public:
  child() = default;
  child(const std::vector<std::string>& argv, const std::string& display, int stdin_fd = -1,
        int stdout_fd = -1, int extra_fd = -1) {
    std::vector<char*> args;
    for (const auto& a : argv)
      args.push_back(const_cast<char*>(a.c_str()));
    args.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ != 0)
      return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL); // also when the test is cut off
    auto null = ::open("/dev/null", O_RDWR);
    ::dup2(stdin_fd >= 0 ? stdin_fd : null, 0);
    ::dup2(stdout_fd >= 0 ? stdout_fd : null, 1);
    ::dup2(null, 2);
    if (extra_fd >= 0)
      ::dup2(extra_fd, 3);
    for (int fd = extra_fd >= 0 ? 4 : 3; fd < 64; ++fd)
      ::close(fd);
    if (!display.empty())
      ::setenv("DISPLAY", display.c_str(), 1);
    ::execvp(args[0], args.data());
    ::_exit(127);
  }
  ~child() {
    if (pid_ <= 0)
      return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  pid_t pid() const { return pid_; }

  /// Waits for the end, 20 s at most; the exit code, or -1.
  int wait() {
    for (int i = 0; i < 2000; ++i) {
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{10}); // limit on a wait, not a guess
    }
    return -1;
  }

private:
  pid_t pid_ = -1;
};

/// A display that no other test is given: servers without a wish take the lowest number that is
/// free, and so that of a server that has just gone.
inline std::string high_display() {
  return ":" + std::to_string(10'000 + ::getpid() % 30'000);
}

/// A held key does not repeat unless `more` says so (-ardelay): whoever is held up between press
/// and release would type it many times.
class xvfb {
public:
  explicit xvfb(const std::string& frame = "1920x1080x24",
                const std::vector<std::string>& more = {}) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      std::abort();
    std::vector<std::string> argv{"Xvfb",     "-displayfd", "3",   "-screen",  "0",    frame,
                                  "-noreset", "-nolisten",  "tcp", "-ardelay", "60000"};
    argv.insert(argv.end(), more.begin(), more.end());
    high_ = std::find(more.begin(), more.end(), high_display()) != more.end();
    server_ = std::make_unique<child>(argv, std::string{}, -1, -1, ends[1]);
    ::close(ends[1]);
    pollfd p{ends[0], POLLIN, 0};
    std::string number;
    char c = 0;
    while (::poll(&p, 1, 20'000) == 1 && ::read(ends[0], &c, 1) == 1 && c != '\n')
      number += c;
    ::close(ends[0]);
    if (number.empty()) {
      std::printf("Xvfb did not start\n");
      std::abort();
    }
    display_ = ":" + number;
  }
  ~xvfb() { kill(); }
  xvfb(const xvfb&) = delete;
  xvfb& operator=(const xvfb&) = delete;

  const std::string& display() const { return display_; }
  pid_t pid() const { return server_->pid(); }
  void kill() {
    server_.reset();
    if (!high_)
      return;
    // What the next server of a low number would clear up.
    ::unlink(("/tmp/.X" + display_.substr(1) + "-lock").c_str());
    ::unlink(("/tmp/.X11-unix/X" + display_.substr(1)).c_str());
  }

private:
  std::unique_ptr<child> server_;
  std::string display_;
  bool high_ = false;
};

/// Runs a program to its end on the display; its exit code.
inline int run(const std::string& display, const std::vector<std::string>& argv) {
  child c{argv, display};
  return c.wait();
}

/// Asks again until it is so, 20 s at most.
inline bool eventually(const std::function<bool()>& so) {
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!so()) {
    if (std::chrono::steady_clock::now() > until)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{2}); // the pace of asking
  }
  return true;
}

} // namespace holt::test

/// Begins a test that needs Xvfb, and these other programs: it ends there where one is missing.
#define NEEDS_X(...)                                                                               \
  if (holt::test::skipped(__func__, {"Xvfb" __VA_OPT__(, ) __VA_ARGS__}))                          \
  return
