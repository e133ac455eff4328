// SPDX-License-Identifier: Apache-2.0
#pragma once

// The few threads that start every child. A parent-death signal follows the thread that forked, so
// they live as long as the daemon; when they end, the children are killed. The child gets its own
// session, default signals, exactly the given environment and descriptors. Never waits for a
// child: `process` does. Thread-safe.

#include "messages/error.hpp"
#include "messages/process_spec.hpp"
#include "transport/cgroup.hpp"
#include "transport/child_table.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <sys/types.h>
#include <thread>
#include <vector>

namespace holt {
namespace detail {
struct exec_request;
}

/// A child that runs now.
struct launched {
  pid_t pid = 0;
  int pidfd = -1;  ///< ours, close-on-exec
  int output = -1; ///< of its stdout (merged: and stderr), or its terminal; non-blocking
  int errors = -1; ///< of its stderr when that is apart; non-blocking
  int input = -1;  ///< to its stdin or terminal, when there is one; non-blocking
  std::uint64_t start_time = 0; ///< clock ticks since boot: tells a reused pid
  std::string cgroup;           ///< folder of its own group; empty: it has none
};

/// A child to be started. Owns copies of the descriptors to pass.
class launch_plan {
public:
  /// Copies the descriptors (the caller may close its own at once) and finds the program.
  /// dependency_missing when there is no such program; spawn_failed otherwise. `key` becomes the
  /// variable HOLT_CHILD of the child.
  static result<launch_plan> make(const process_spec& spec, std::string_view key);

  launch_plan(launch_plan&&) noexcept = default;
  launch_plan& operator=(launch_plan&&) = delete;
  launch_plan(const launch_plan&) = delete;
  launch_plan& operator=(const launch_plan&) = delete;
  ~launch_plan();

private:
  friend class spawner;
  launch_plan() = default;

  std::string program_; ///< path to execute
  std::vector<std::string> argv_;
  std::vector<std::string> env_;
  std::string cwd_;
  std::vector<std::pair<int, int>> fds_; ///< child number, our copy above all numbers; ascending
  std::uint64_t max_open_files_ = 0;
  stdio_layout stdio_ = stdio_layout::merged;
  bool input_ = false;
  std::uint16_t columns_ = 80;
  std::uint16_t rows_ = 24;
  std::optional<process_user> user_;
};

class spawner {
public:
  spawner();
  /// Ends the threads: the kernel kills every child that still runs.
  ~spawner();
  spawner(const spawner&) = delete;
  spawner& operator=(const spawner&) = delete;

  /// Called on one of the spawner's threads; must be short. not_found, not_directory, denied: the
  /// child's folder.
  using started = std::function<void(result<launched>)>;
  void launch(launch_plan plan, started done);

  const std::shared_ptr<child_table>& children() const noexcept { return children_; }

  /// A key for HOLT_CHILD: unique for this boot of the daemon and this child.
  std::string new_key();

private:
  struct attempt;
  void run();
  result<launched> launch_now(launch_plan& plan);
  attempt try_once(const detail::exec_request& what);
  void user_begins();
  void user_ended();

  struct job {
    launch_plan plan;
    started done;
  };
  std::shared_ptr<child_table> children_;
  std::mutex groups_mutex_;
  cgroup_home groups_; ///< with its lock
  std::mutex users_mutex_;
  unsigned users_ = 0;        ///< starts as another user under way, with its lock
  bool was_dumpable_ = false; ///< before the first of them
  std::string boot_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<job> jobs_;
  std::uint64_t keys_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

/// Where `name` is found in `path` (a list like PATH's); dependency_missing when nowhere.
result<std::string> find_program(const std::string& name, const std::string& path);

} // namespace holt
