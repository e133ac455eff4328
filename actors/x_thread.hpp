// SPDX-License-Identifier: Apache-2.0
#pragma once

// The thread of the daemon's X connection, and the door by which everybody finds it. X calls block
// as long as the X server does, so they run there, one after the other, as jobs of a bounded queue;
// between them the thread serves events and what waits. Thread-safe.

#include "desktop/connection.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace holt::desktop {
class workbench;
}

namespace holt {

/// A job: short, on the X thread; an error when there is no X server or too much waits.
using x_work = std::function<void(result<desktop::workbench*>)>;

/// What is answered when the X server went away meanwhile.
error x_gone();

class x_thread {
public:
  /// `on_lost` is called on the thread, once, when it cannot go on.
  x_thread(desktop::display_address display, std::function<void(std::string)> on_lost);
  /// What still waits is answered with an error. Does not wait for the thread: a connect to a hung
  /// X server cannot be interrupted.
  ~x_thread();
  x_thread(const x_thread&) = delete;
  x_thread& operator=(const x_thread&) = delete;

  void post(x_work work);

private:
  friend class x_door;
  struct core;
  std::shared_ptr<core> core_;
};

/// Where the X thread of the moment is. Lives as long as the daemon.
class x_door {
public:
  /// Runs `work` on the X thread; with desktop_runtime_inactive at once where there is none.
  void post(x_work work);

  void open(const x_thread& thread);
  void close(const x_thread& thread); ///< if it is still that one

private:
  std::mutex mutex_;
  std::weak_ptr<x_thread::core> core_;
};

using x_door_ptr = std::shared_ptr<x_door>;

} // namespace holt
