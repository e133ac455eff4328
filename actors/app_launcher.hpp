// SPDX-License-Identifier: Apache-2.0
#pragma once

// Starts programs on the desktop and finds the window that they open, also when they hand over to
// another process of theirs. Each lives on when nobody asks for it any more; it ends with the
// daemon at the latest. Thread-safe.

#include "actors/desktop_context.hpp"
#include "actors/x_thread.hpp"
#include "transport/process.hpp"
#include "transport/spawner.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holt {

struct launched_app {
  std::string process_id; ///< `app_N`
  pid_t pid = 0;
  std::optional<std::uint32_t> window; ///< only where it was waited for and came
};

class app_launcher : public std::enable_shared_from_this<app_launcher> {
public:
  app_launcher(spawner& starter, boost::asio::any_io_executor executor, desktop_context_ptr context,
               x_door_ptr door);

  using answer = std::function<void(result<launched_app>)>;

  /// dependency_missing: there is no such program. With `wait` it is answered when the window is
  /// there, after 10 s in any case.
  void start(std::vector<std::string> command, bool wait, answer done);

private:
  struct launch;
  void spawn(const std::shared_ptr<launch>& what);
  void look_for_window(const std::shared_ptr<launch>& what);

  spawner& starter_;
  boost::asio::any_io_executor executor_;
  desktop_context_ptr context_;
  x_door_ptr door_;
  std::atomic<std::uint64_t> last_{0};
};

} // namespace holt
