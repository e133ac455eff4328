// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sizes and rectangles of the screen, in pixels. Plain values, no thread, no X.

#include <algorithm>
#include <cstddef>

namespace holt::desktop {

struct screen_size {
  unsigned width = 0;  ///< pixels, 1 to 32767
  unsigned height = 0; ///< pixels, 1 to 32767
  unsigned rate = 0;   ///< Hz; 0: not known (read) or 60 (asked for)
  friend bool operator==(const screen_size&, const screen_size&) = default;
};

struct rectangle {
  unsigned x = 0;
  unsigned y = 0;
  unsigned width = 0;
  unsigned height = 0;
  friend bool operator==(const rectangle&, const rectangle&) = default;

  bool empty() const noexcept { return width == 0 || height == 0; }
  std::size_t area() const noexcept { return std::size_t{width} * height; }
};

/// The part of `r` inside a screen of this size, grown to even edges where the screen allows
/// (4:2:0 colour is shared by 2x2 pixels). Empty when nothing is left.
rectangle even_inside(rectangle r, unsigned width, unsigned height) noexcept;

} // namespace holt::desktop
