// SPDX-License-Identifier: Apache-2.0
#pragma once

// Starts programs on the desktop, as processes of the API (owner `desktop`: listed, their output
// kept, killed as any other), and finds the window that they open, also when they hand over to
// another process of theirs. Each lives on when nobody asks for it any more; it ends with the
// daemon at the latest. Thread-safe.

#include "actors/actor_child.hpp"
#include "actors/x_thread.hpp"
#include "shell/live_process.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holt {

struct launched_app {
  std::string process_id; ///< as the process list has it
  pid_t pid = 0;
  std::optional<std::uint32_t> window; ///< only where it was waited for and came
};

/// What is to be started.
struct launch_order {
  std::vector<std::string> command;
  std::string folder; ///< absolute
  std::string tag;    ///< in the process list: launch, open
  bool wait = false;  ///< for its window
};

class app_launcher : public std::enable_shared_from_this<app_launcher> {
public:
  app_launcher(actor_ref<caf::actor> processes, x_door_ptr door);

  using answer = std::function<void(result<launched_app>)>;

  /// not_found: there is no such program; conflict: too many run. With `wait` it is answered when
  /// the window is there, after 10 s in any case.
  void start(launch_order order, answer done);

private:
  struct launch;
  void spawn(const std::shared_ptr<launch>& what);
  void look_for_window(const std::shared_ptr<launch>& what);

  actor_ref<caf::actor> processes_;
  x_door_ptr door_;
};

} // namespace holt
