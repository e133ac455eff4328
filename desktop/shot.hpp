// SPDX-License-Identifier: Apache-2.0
#pragma once

// A screenshot on its way from the X thread to its file: pixels of its own, the pointer beside
// them, and what is still to be done with both. Plain values; finish() is pure, any thread.

#include "desktop/cursor.hpp"
#include "desktop/picture.hpp"

#include <optional>
#include <string_view>

namespace holt::desktop {

enum class shot_format : std::uint8_t { png, jpeg, webp };

struct shot_wish {
  shot_format format = shot_format::png;
  int quality = 85;   ///< 1 to 100; png has none
  double scale = 1.0; ///< 0.1 to 1
};

struct shot {
  rectangle area;                   ///< of the screen
  std::uint64_t frame = 0;          ///< equal while the screen shows the same
  std::vector<std::uint8_t> pixels; ///< BGRX, rows without gaps
  std::optional<drawn_cursor> cursor;

  bgrx_view view() const {
    return {pixels.data(), std::size_t{area.width} * 4, area.width, area.height};
  }
};

struct finished_shot {
  std::vector<std::uint8_t> bytes;
  unsigned width = 0; ///< pixels, after scaling
  unsigned height = 0;
};

/// Draws the pointer, scales, encodes. `what` is used up.
result<finished_shot> finish(shot& what, const shot_wish& wish);

/// Blends the pointer into the picture; what lies outside is cut.
void draw_cursor(shot& into, const drawn_cursor& cursor) noexcept;

/// Length of a side after scaling: at least 1.
unsigned scaled(unsigned length, double scale) noexcept;

std::string_view media_type(shot_format format) noexcept;

} // namespace holt::desktop
