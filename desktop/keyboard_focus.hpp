// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where the keys really go. A window manager may call a window active while the X server gives the
// keyboard to nobody (openbox after a focused window was killed). Works on the thread of the
// connection.

#include "desktop/connection.hpp"

namespace holt::desktop {

/// Whether keys go to this window or to one inside it.
bool has_keyboard(connection& x, xcb_window_t window);

/// Gives it the keyboard, without the window manager.
void give_keyboard(connection& x, xcb_window_t window);

} // namespace holt::desktop
