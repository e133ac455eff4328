// SPDX-License-Identifier: Apache-2.0
#pragma once

// Pictures as files. Pure: pixels in, bytes out, any thread.

#include "desktop/picture.hpp"

#include <string>

namespace holt::desktop {

/// quality 1 to 100 (clamped).
result<std::vector<std::uint8_t>> encode_jpeg(const bgrx_view& pixels, int quality);

/// Without transparency; fast compression.
result<std::vector<std::uint8_t>> encode_png(const bgrx_view& pixels);

/// Lossy; quality 1 to 100 (clamped). At most 16383 pixels a side.
result<std::vector<std::uint8_t>> encode_webp(const bgrx_view& pixels, int quality);

/// `rgba`: width * height * 4 bytes, not premultiplied.
result<std::vector<std::uint8_t>> encode_png_rgba(const std::uint8_t* rgba, unsigned width,
                                                  unsigned height);

} // namespace holt::desktop
