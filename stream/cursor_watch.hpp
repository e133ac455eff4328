// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tells when the pointer's picture or place changes, while somebody watches. A part of x_worker.
// The place is asked for 60 times a second while it moves and 20 times a second while it rests;
// without viewers never.

#include "desktop/cursor.hpp"
#include "stream/x_worker.hpp"

#include <atomic>
#include <mutex>

namespace holt::stream {

struct cursor_callbacks {
  /// On the worker's thread; must not block.
  std::function<void(std::shared_ptr<const desktop::cursor_image>)> on_image;
  std::function<void(desktop::pointer_position)> on_position;
};

class cursor_watch : public x_part {
public:
  cursor_watch(x_worker& worker, cursor_callbacks callbacks);
  ~cursor_watch() override;

  void set_viewers(unsigned count); ///< any thread

  /// The newest picture (null before the first) and place, for a viewer that joins. Any thread.
  std::shared_ptr<const desktop::cursor_image> image() const;
  desktop::pointer_position position() const;

  // x_part
  result<void> open(desktop::connection& x) override;
  void close() override;
  void on_event(const xcb_generic_event_t& event) override;
  clock::time_point on_turn(clock::time_point now) override;

private:
  void read_image();

  x_worker& worker_;
  cursor_callbacks callbacks_;
  std::atomic<unsigned> viewers_{0};
  mutable std::mutex mutex_;
  std::shared_ptr<const desktop::cursor_image> image_; ///< guarded
  desktop::pointer_position position_;                 ///< guarded
  // the worker's thread only
  desktop::connection* x_ = nullptr;
  bool image_stale_ = true;
  clock::time_point next_poll_{};
  clock::time_point last_move_{};
};

} // namespace holt::stream
