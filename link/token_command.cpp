// SPDX-License-Identifier: Apache-2.0
#include "link/token_command.hpp"

#include "link/realtime_errors.hpp"

#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string_view>
#include <unistd.h>

namespace holt::link {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t largest_token = 16 * 1024;
constexpr std::size_t kept_complaint = 4 * 1024;
constexpr milliseconds slice{50}; // how soon `stop` is seen

/// One pipe; its ends close themselves.
struct pipe_ends {
  std::array<int, 2> fd{-1, -1};
  pipe_ends() {
    if (::pipe2(fd.data(), O_CLOEXEC) != 0)
      fd = {-1, -1};
  }
  pipe_ends(const pipe_ends&) = delete;
  pipe_ends& operator=(const pipe_ends&) = delete;
  ~pipe_ends() {
    close_end(0);
    close_end(1);
  }
  void close_end(std::size_t which) {
    if (fd[which] >= 0)
      ::close(std::exchange(fd[which], -1));
  }
  bool open() const { return fd[0] >= 0; }
};

/// The exit code comes over a pipe, not from wait(): the daemon's reaper may be faster than we are.
constexpr const char* wrapper = "/bin/sh -c \"$1\" 3>&-; echo $? >&3";

pid_t start(const std::string& command, const pipe_ends& out, const pipe_ends& complaints,
            const pipe_ends& code) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t how;
  if (::posix_spawn_file_actions_init(&files) != 0)
    return -1;
  if (::posix_spawnattr_init(&how) != 0) {
    ::posix_spawn_file_actions_destroy(&files);
    return -1;
  }
  ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, out.fd[1], 1);
  ::posix_spawn_file_actions_adddup2(&files, complaints.fd[1], 2);
  ::posix_spawn_file_actions_adddup2(&files, code.fd[1], 3);
  ::posix_spawn_file_actions_addclosefrom_np(&files, 4);
  sigset_t all;
  sigset_t none;
  ::sigfillset(&all);
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&how, &all);
  ::posix_spawnattr_setsigmask(&how, &none);
  ::posix_spawnattr_setflags(&how,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  std::array<std::string, 5> words{"sh", "-c", wrapper, "sh", command};
  std::array<char*, 6> argv{};
  for (std::size_t i = 0; i < words.size(); ++i)
    argv[i] = words[i].data();
  pid_t pid = -1;
  if (::posix_spawn(&pid, "/bin/sh", &files, &how, argv.data(), environ) != 0)
    pid = -1;
  ::posix_spawnattr_destroy(&how);
  ::posix_spawn_file_actions_destroy(&files);
  return pid;
}

/// False at its end.
bool take(int from, std::string& into, std::size_t most) {
  std::array<char, 4096> chunk{};
  const auto n = ::read(from, chunk.data(), chunk.size());
  if (n < 0)
    return errno == EINTR;
  if (into.size() < most)
    into.append(chunk.data(), static_cast<std::size_t>(n));
  return n > 0;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view white = " \t\r\n";
  const auto first = text.find_first_not_of(white);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

std::string last_line(std::string_view text) {
  text = trimmed(text);
  const auto end = text.rfind('\n');
  return realtime::shown(end == std::string_view::npos ? text : text.substr(end + 1));
}

} // namespace

result<std::string> run_token_command(const std::string& command, milliseconds limit,
                                      const std::atomic<bool>& stop) {
  pipe_ends out;
  pipe_ends complaints;
  pipe_ends code;
  if (!out.open() || !complaints.open() || !code.open())
    return error{errc::spawn_failed,
                 std::string{"link.token_command was not started: "} + std::strerror(errno)};
  // The child's numbers are 0 to 3: the write ends must not stand there.
  const auto pid = start(command, out, complaints, code);
  if (pid < 0)
    return error{errc::spawn_failed, "link.token_command was not started: /bin/sh cannot be run."};
  for (auto* const one : {&out, &complaints, &code})
    one->close_end(1);

  std::string token;
  std::string said;
  std::string status;
  const auto until = steady_clock::now() + limit;
  errc trouble = errc::none;
  // Over when the code is here: a background child may hold the other pipes for ever.
  while (status.find('\n') == std::string::npos) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (stop.load(std::memory_order_relaxed) || left <= milliseconds{0}) {
      trouble = left <= milliseconds{0} ? errc::timeout : errc::cancelled;
      break;
    }
    std::array<pollfd, 3> ends{pollfd{out.fd[0], POLLIN, 0}, pollfd{complaints.fd[0], POLLIN, 0},
                               pollfd{code.fd[0], POLLIN, 0}};
    ::poll(ends.data(), ends.size(), static_cast<int>(std::min(left, slice).count()));
    if (ends[0].revents != 0 && !take(out.fd[0], token, largest_token + 1))
      out.close_end(0);
    if (ends[1].revents != 0 && !take(complaints.fd[0], said, kept_complaint))
      complaints.close_end(0);
    if (ends[2].revents != 0 && !take(code.fd[0], status, 64))
      break;
  }
  // What it printed before its end is all in the pipe now.
  for (auto* const one : {&out, &complaints})
    if (trouble == errc::none && one->fd[0] >= 0) {
      ::fcntl(one->fd[0], F_SETFL, O_NONBLOCK);
      while (take(one->fd[0], one == &out ? token : said,
                  one == &out ? largest_token + 1 : kept_complaint)) {
      }
    }
  ::kill(-pid, SIGKILL); // its own session: nothing else is hit, nothing is left
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }

  if (trouble == errc::timeout)
    return error{errc::timeout, "link.token_command did not end within "
                                  + std::to_string(limit.count() / 1000) + " s."};
  if (trouble == errc::cancelled)
    return error{errc::cancelled, "link.token_command was stopped."};
  const auto number = std::string{trimmed(status)};
  if (number != "0") {
    const auto why = last_line(said);
    return error{errc::config, "link.token_command failed"
                                 + (number.empty() ? " (killed)" : " with exit code " + number)
                                 + (why.empty() ? "." : ": " + why)};
  }
  const auto text = trimmed(token);
  if (text.empty())
    return error{errc::config, "link.token_command printed nothing."};
  if (text.size() > largest_token)
    return error{errc::config, "link.token_command printed more than a token."};
  for (const char c : text)
    if (c <= 0x20 || c > 0x7e)
      return error{errc::config, "link.token_command printed more than one word; it must print the "
                                 "token alone."};
  return std::string{text};
}

} // namespace holt::link
