// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the screen shows: its size, its pictures, and a number that grows whenever something was
// painted. While nobody asks a busy screen costs nothing: changes are counted when the number is
// wanted, or as they come while somebody watches. Works on the thread of its connection.

#include "desktop/capture.hpp"
#include "desktop/damage.hpp"
#include "desktop/shot.hpp"

#include <chrono>
#include <functional>

namespace holt::desktop {

class screen {
public:
  using clock = std::chrono::steady_clock;

  explicit screen(connection& x);

  void on_event(const xcb_generic_event_t& event);

  /// The size now, without a round trip unless it changed.
  result<screen_size> size();

  /// The number of what is shown now (one round trip). Equal numbers: nothing was painted between.
  result<std::uint64_t> frame();

  /// The pixels of `area` (inside the screen), and the pointer where it is wanted. `pump` hands
  /// over the events that are there: one of them may say that this picture is newer than its
  /// number.
  result<shot> take(rectangle area, bool with_cursor, const std::function<void()>& pump);

  /// Counts changes as they come, until released as often. `last_change` is right meanwhile.
  void watch() { ++watchers_; }
  void unwatch() { --watchers_; }
  clock::time_point last_change() const noexcept { return last_change_; }
  std::uint64_t seen() const noexcept { return frame_; } ///< number, as far as it is known

  /// Which run of numbers these are: another X server or connection has another.
  std::uint64_t run() const noexcept { return run_; }

private:
  void changed();

  connection& x_;
  capture capture_;
  damage damage_;
  screen_size size_;
  bool size_stale_ = true;
  bool dirty_ = true; ///< damage that was told and not taken
  unsigned watchers_ = 0;
  std::uint64_t frame_ = 0;
  std::uint64_t run_
    = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  clock::time_point last_change_ = clock::now();
};

} // namespace holt::desktop
