// SPDX-License-Identifier: Apache-2.0
#pragma once

// One thread with one X connection for the small things beside the picture: input_sink,
// cursor_watch and clipboard_bridge are parts of it. Parts are added before start() and live until
// after stop(). post() and wake() may be called from any thread; all else of a part runs here.

#include "desktop/connection.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace holt::stream {

class x_part {
public:
  using clock = std::chrono::steady_clock;
  virtual ~x_part() = default;

  /// The connection is there; make what you need on it.
  virtual result<void> open(desktop::connection& x) = 0;

  /// Before the connection goes; it may be lost already.
  virtual void close() = 0;

  virtual void on_event(const xcb_generic_event_t& event) = 0;

  /// After every wake-up. Answers when it wants the next one at the latest.
  virtual clock::time_point on_turn(clock::time_point now) = 0;
};

class x_worker {
public:
  /// `on_failure`: the X server is gone, the thread has ended. Once, on that thread.
  x_worker(desktop::display_address display, std::function<void(const error&)> on_failure);
  ~x_worker(); ///< stops
  x_worker(const x_worker&) = delete;
  x_worker& operator=(const x_worker&) = delete;

  void add(x_part& part);

  /// Connects, opens the parts, starts the thread.
  result<void> start();
  void stop(); ///< idempotent

  /// Makes the parts' on_turn run soon. Any thread.
  void wake();

  /// Time since the thread last went round with an X server that answered; see video_source.
  std::chrono::milliseconds since_tick() const;

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace holt::stream
