// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the tests on real processes share: an io_context with a limit on every wait, a temporary
// folder, a child started in one line. Used by one test process each.

#include "transport/process.hpp"
#include "transport/process_table.hpp"
#include "transport/spawner.hpp"

#include <boost/asio/io_context.hpp>

#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace holt::test {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Runs handlers until `done` or the limit.
inline bool run_until(boost::asio::io_context& io, const std::function<bool()>& done,
                      milliseconds limit = milliseconds{20'000}) {
  const auto until = steady_clock::now() + limit;
  while (steady_clock::now() < until) {
    if (done())
      return true;
    io.restart();
    io.run_one_for(milliseconds{10});
  }
  return false;
}

/// For things without an event to wait for: looks each millisecond, up to the limit.
inline bool eventually(const std::function<bool()>& done,
                       milliseconds limit = milliseconds{20'000}) {
  const auto until = steady_clock::now() + limit;
  while (steady_clock::now() < until) {
    if (done())
      return true;
    ::poll(nullptr, 0, 1);
  }
  return false;
}

inline bool alive(pid_t pid) {
  const auto table = read_process_table();
  const auto it = table.find(pid);
  return it != table.end() && it->second.state != 'Z';
}

struct temp_dir {
  std::filesystem::path path;
  temp_dir() {
    std::string name = (std::filesystem::temp_directory_path() / "holt-test-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~temp_dir() {
    std::error_code ec;
    std::filesystem::remove_all(path, ec);
  }
};

inline const std::string standard_path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

inline process_spec sh(const std::string& script) {
  process_spec spec;
  spec.argv = {"sh", "-c", script};
  spec.env = {{"PATH", standard_path}};
  return spec;
}

/// One child and what was heard of it.
struct child {
  std::optional<result<pid_t>> started;
  std::vector<std::string> lines;
  std::optional<exit_status> ended;
  std::shared_ptr<process> handle;

  bool failed() const { return started && started->has_error(); }
  pid_t pid() const { return **started; }
  std::string line(std::size_t i) const { return i < lines.size() ? lines[i] : "<none>"; }
};

struct processes {
  boost::asio::io_context io;
  spawner by;

  std::shared_ptr<child> start(process_spec spec) {
    auto c = std::make_shared<child>();
    process_handlers h;
    h.on_started = [c](result<pid_t> r) { c->started = r; };
    h.on_line = [c](std::string text) { c->lines.push_back(std::move(text)); };
    h.on_exit = [c](exit_status s) { c->ended = s; };
    c->handle = process::start(by, io.get_executor(), std::move(spec), std::move(h));
    return c;
  }

  std::shared_ptr<child> finish(process_spec spec) {
    auto c = start(std::move(spec));
    until([&] { return c->failed() || c->ended; });
    return c;
  }

  bool until(const std::function<bool()>& done, milliseconds limit = milliseconds{20'000}) {
    return run_until(io, done, limit);
  }
};

} // namespace holt::test
