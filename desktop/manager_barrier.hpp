// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tells when the window manager has done all that was asked of it before. It works off its messages
// in order, and must answer one of them (_NET_REQUEST_FRAME_EXTENTS, EWMH) by a property on the
// window it is asked about: a window of our own, never shown. Between two of its requests the
// window that was meant is half done (openbox tells that it is maximised, then makes it larger).
// Works on the thread of the connection.

#include "desktop/connection.hpp"

namespace holt::desktop {

class manager_barrier {
public:
  /// Asks the window manager. One that does not know the question counts as done.
  explicit manager_barrier(connection& x);
  ~manager_barrier();
  manager_barrier(const manager_barrier&) = delete;
  manager_barrier& operator=(const manager_barrier&) = delete;

  /// Whether a window manager knows the question.
  bool known() const noexcept { return known_; }

  /// True from the moment on when what was asked before this object was made is in the X server
  /// (one round trip until then), or the server is lost.
  bool passed();

private:
  void forget();

  connection& x_;
  xcb_window_t asked_about_ = XCB_NONE; ///< none: nothing is waited for
  xcb_atom_t extents_ = 0;
  bool known_ = false;
};

} // namespace holt::desktop
