// SPDX-License-Identifier: Apache-2.0
#pragma once

// Says when and where the screen changed. One event after the first change, then silence until the
// change is taken: a busy screen that nobody looks at costs nothing. Works on the thread of its
// connection; must not outlive it.

#include "desktop/connection.hpp"

#include <optional>

namespace holt::desktop {

class damage {
public:
  explicit damage(connection& x);
  ~damage();
  damage(const damage&) = delete;
  damage& operator=(const damage&) = delete;

  /// True for the event that says that something changed since the last take().
  bool is_event(const xcb_generic_event_t& event) const noexcept;

  /// Such an event about a change that the last take() did not take already.
  bool is_news(const xcb_generic_event_t& event) const noexcept;

  /// The bounding box of all changes since the last call (one round trip), empty when there were
  /// none. Changes from now on raise a new event.
  result<rectangle> take();

private:
  connection& x_;
  std::uint32_t damage_ = 0;
  std::uint32_t region_ = 0;
  std::uint32_t taken_ = 0; ///< sequence number of the last request that took changes
};

} // namespace holt::desktop
