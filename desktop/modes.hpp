// SPDX-License-Identifier: Apache-2.0
#pragma once

// Screen sizes through RandR: sets any size up to the server's frame buffer (on Xvfb the size of
// its -screen), making the mode where it does not exist. Works on the thread of its connection.
// Remembers nothing: what is true is what the server says.

#include "desktop/connection.hpp"

#include <vector>

namespace holt::desktop {

/// A mode line as CVT 1.2 computes it, with reduced blanking.
struct mode_timing {
  std::uint32_t clock = 0; ///< Hz
  std::uint16_t width = 0, hsync_start = 0, hsync_end = 0, htotal = 0;
  std::uint16_t height = 0, vsync_start = 0, vsync_end = 0, vtotal = 0;
};

/// Timings for this size; rate 0 means 60.
mode_timing reduced_timing(screen_size size) noexcept;

/// The size and rate in force. rate is rounded to whole Hz.
result<screen_size> current_mode(connection& x);

/// Sizes that are listed now, largest first, no duplicates.
result<std::vector<screen_size>> list_modes(connection& x);

/// Sets the screen to `wanted` and answers what is in force afterwards, which is `wanted` exactly
/// on Xvfb. Errors: invalid_request (0 or larger than the server allows), io.
result<screen_size> set_mode(connection& x, screen_size wanted);

/// Sends RandR screen-change events to this connection.
void watch_modes(connection& x);

/// True for the event that says that the screen's size changed.
bool is_mode_event(const connection& x, const xcb_generic_event_t& event) noexcept;

} // namespace holt::desktop
