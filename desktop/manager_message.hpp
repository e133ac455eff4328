// SPDX-License-Identifier: Apache-2.0
#pragma once

// A message to the window manager (EWMH): about a window, sent to the root, where it listens. Works
// on the thread of the connection.

#include "desktop/connection.hpp"

#include <array>
#include <cstdint>

namespace holt::desktop {

/// Does not flush.
void tell_manager(connection& x, xcb_window_t window, xcb_atom_t type,
                  const std::array<std::uint32_t, 5>& data = {});

} // namespace holt::desktop
