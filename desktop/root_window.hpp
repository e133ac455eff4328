// SPDX-License-Identifier: Apache-2.0
#pragma once

// How the empty desktop looks: a background, a pointer, the resolution that toolkits read. Works
// on the thread of its connection; remembers nothing.

#include "desktop/connection.hpp"

namespace holt::desktop {

/// Paints a vertical gradient as background of the root window, for its size now.
result<void> paint_background(connection& x);

/// An arrow as pointer where no window says otherwise.
result<void> set_root_pointer(connection& x);

/// Sets Xft.dpi in the resources of the screen.
result<void> set_dpi(connection& x, unsigned dpi);

/// Whether a window manager that follows EWMH runs.
result<bool> has_window_manager(connection& x);

} // namespace holt::desktop
