// SPDX-License-Identifier: Apache-2.0
#pragma once

// Pictures in memory: a view of grabbed pixels (BGRX) and an owned I420 image that an encoder
// reads. Plain values; whoever holds them may use them on any thread, one at a time.

#include "desktop/geometry.hpp"
#include "messages/error.hpp"

#include <cstdint>
#include <vector>

namespace holt::desktop {

/// Pixels B, G, R, unused; valid until the next grab.
struct bgrx_view {
  const std::uint8_t* data = nullptr;
  std::size_t stride = 0; ///< bytes a row
  unsigned width = 0;
  unsigned height = 0;
};

/// Planar Y, U, V with colour at half size (rounded up), BT.601 limited range.
class i420_picture {
public:
  void resize(unsigned width, unsigned height); ///< contents become undefined

  /// Converts `pixels` into the place `x`, `y` (both even). What does not fit is an error.
  result<void> put(const bgrx_view& pixels, unsigned x, unsigned y);

  unsigned width() const noexcept { return width_; }
  unsigned height() const noexcept { return height_; }
  std::size_t y_stride() const noexcept { return y_stride_; }
  std::size_t uv_stride() const noexcept { return y_stride_ / 2; }
  std::uint8_t* y() noexcept { return bytes_.data(); }
  std::uint8_t* u() noexcept { return y() + y_stride_ * rows_; }
  std::uint8_t* v() noexcept { return u() + uv_stride() * (rows_ / 2); }

private:
  unsigned width_ = 0;
  unsigned height_ = 0;
  std::size_t y_stride_ = 0; ///< a multiple of 64
  std::size_t rows_ = 0;     ///< height rounded up to even
  std::vector<std::uint8_t> bytes_;
};

} // namespace holt::desktop
