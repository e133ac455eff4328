// SPDX-License-Identifier: Apache-2.0
#pragma once

// What viewers do with mouse and keyboard, from the io thread to desktop/input on the x_worker's
// thread. Keeps apart who holds what: a viewer that goes releases its own keys and buttons and
// nobody else's. Bounded: moves merge; a full queue (1,024) drops presses, never releases. Who may
// drive is decided elsewhere.

#include "desktop/input.hpp"
#include "stream/x_worker.hpp"

#include <deque>
#include <mutex>

namespace holt::stream {

using viewer_id = std::uint64_t;

/// Wheel movement in pixels (positive is down and right, as the DOM has it) to clicks (positive is
/// up and left); what is less than a click is kept for the next call.
class wheel_converter {
public:
  struct clicks {
    int dx = 0;
    int dy = 0;
  };
  clicks feed(int dx_pixels, int dy_pixels) noexcept;

private:
  int x_ = 0;
  int y_ = 0;
};

class input_sink : public x_part {
public:
  explicit input_sink(x_worker& worker);
  ~input_sink() override;

  // Any thread; never block.
  void move(viewer_id viewer, int x, int y);
  /// neko's sign and unit (positive up and left, clicks), unless the viewer sends DOM pixels.
  void scroll(viewer_id viewer, int dx, int dy, bool control);
  void key(viewer_id viewer, std::uint32_t keysym, bool down);
  void button(viewer_id viewer, std::uint32_t number, bool down);
  /// Releases all that this viewer holds: it lost control or its page lost focus.
  void release(viewer_id viewer);
  /// The same, and forgets it.
  void close(viewer_id viewer);
  /// The viewer's wheel comes in DOM pixels.
  void set_dom_wheel(viewer_id viewer, bool on);

  /// Presses dropped because the queue was full or nothing could carry the keysym.
  std::uint64_t dropped() const;

  // x_part
  result<void> open(desktop::connection& x) override;
  void close() override;
  void on_event(const xcb_generic_event_t& event) override;
  clock::time_point on_turn(clock::time_point now) override;

private:
  enum class kind { move, scroll, key, button, release, close, dom_wheel };
  struct op {
    kind what = kind::move;
    viewer_id viewer = 0;
    int x = 0;
    int y = 0;
    std::uint32_t code = 0;
    bool flag = false;
    clock::time_point queued{};
  };
  struct held {
    std::set<std::uint32_t> keys;
    std::set<std::uint32_t> buttons;
    bool dom_wheel = false;
    wheel_converter wheel;
  };

  void push(op what);
  bool run(const op& what); ///< false: not yet, see retry_at
  bool run_key(const op& what);
  void run_button(const op& what);
  void run_scroll(const op& what);
  void run_release(viewer_id viewer);
  bool others_hold_key(viewer_id viewer, std::uint32_t keysym) const;
  bool others_hold_button(viewer_id viewer, std::uint32_t number) const;

  x_worker& worker_;
  mutable std::mutex mutex_;
  std::deque<op> queue_;      ///< guarded
  std::uint64_t dropped_ = 0; ///< guarded
  // the worker's thread only
  std::unique_ptr<desktop::input> input_;
  std::map<viewer_id, held> viewers_;
};

} // namespace holt::stream
