// SPDX-License-Identifier: Apache-2.0
#pragma once

// The pointer's picture and place. Works on the thread of its connection.

#include "desktop/connection.hpp"

#include <cstdint>
#include <vector>

namespace holt::desktop {

struct cursor_image {
  std::uint16_t width = 0; ///< pixels
  std::uint16_t height = 0;
  std::uint16_t hot_x = 0; ///< the point that clicks, in the picture
  std::uint16_t hot_y = 0;
  std::uint32_t serial = 0; ///< equal for equal pictures, within one X server
  std::vector<std::uint8_t> png;
};

struct pointer_position {
  int x = 0;
  int y = 0;
  friend bool operator==(const pointer_position&, const pointer_position&) = default;
};

/// The picture and its place, to be drawn into a screenshot.
struct drawn_cursor {
  int x = 0; ///< of its left upper corner, in root coordinates; may be outside
  int y = 0;
  unsigned width = 0;
  unsigned height = 0;
  std::uint32_t serial = 0;
  std::vector<std::uint32_t> argb; ///< premultiplied
};

/// Sends cursor events to this connection.
void watch_cursor(connection& x);

/// True for the event that says that the picture changed.
bool is_cursor_event(const connection& x, const xcb_generic_event_t& event) noexcept;

/// The picture now, as PNG with transparency.
result<cursor_image> read_cursor(connection& x);

/// Picture and place now, in one round trip.
result<drawn_cursor> read_drawn_cursor(connection& x);

/// The place now, in root coordinates.
result<pointer_position> read_pointer(connection& x);

} // namespace holt::desktop
