// SPDX-License-Identifier: Apache-2.0
#include "desktop/shot.hpp"

#include "desktop/screenshot.hpp"

#include <libyuv.h>

#include <cmath>

namespace holt::desktop {

namespace {

/// `under` below a premultiplied part of the pointer.
std::uint8_t blend(std::uint8_t under, std::uint32_t over, std::uint32_t alpha) noexcept {
  return static_cast<std::uint8_t>(std::min(255u, over + (under * (255 - alpha) + 127) / 255));
}

} // namespace

void draw_cursor(shot& into, const drawn_cursor& cursor) noexcept {
  for (unsigned row = 0; row < cursor.height; ++row) {
    auto y = static_cast<long>(cursor.y) + row - static_cast<long>(into.area.y);
    if (y < 0 || y >= static_cast<long>(into.area.height))
      continue;
    for (unsigned column = 0; column < cursor.width; ++column) {
      auto x = static_cast<long>(cursor.x) + column - static_cast<long>(into.area.x);
      if (x < 0 || x >= static_cast<long>(into.area.width))
        continue;
      auto argb = cursor.argb[std::size_t{row} * cursor.width + column];
      auto alpha = argb >> 24;
      auto* to
        = into.pixels.data()
          + (static_cast<std::size_t>(y) * into.area.width + static_cast<std::size_t>(x)) * 4;
      to[0] = blend(to[0], argb & 0xff, alpha);
      to[1] = blend(to[1], argb >> 8 & 0xff, alpha);
      to[2] = blend(to[2], argb >> 16 & 0xff, alpha);
    }
  }
}

unsigned scaled(unsigned length, double scale) noexcept {
  return std::max(1u, static_cast<unsigned>(std::lround(length * scale)));
}

std::string_view media_type(shot_format format) noexcept {
  switch (format) {
  case shot_format::jpeg: return "image/jpeg";
  case shot_format::webp: return "image/webp";
  default: return "image/png";
  }
}

result<finished_shot> finish(shot& what, const shot_wish& wish) {
  // Before scaling: that way the pointer is in its place at every scale.
  if (what.cursor)
    draw_cursor(what, *what.cursor);
  auto picture = what.view();
  std::vector<std::uint8_t> small;
  auto width = scaled(picture.width, wish.scale);
  auto height = scaled(picture.height, wish.scale);
  if (width != picture.width || height != picture.height) {
    small.resize(std::size_t{width} * height * 4);
    if (libyuv::ARGBScale(picture.data, static_cast<int>(picture.stride),
                          static_cast<int>(picture.width), static_cast<int>(picture.height),
                          small.data(), static_cast<int>(width * 4), static_cast<int>(width),
                          static_cast<int>(height), libyuv::kFilterBox)
        != 0)
      return error{errc::internal, "the picture could not be scaled"};
    picture = {small.data(), std::size_t{width} * 4, width, height};
  }
  auto bytes = wish.format == shot_format::jpeg   ? encode_jpeg(picture, wish.quality)
               : wish.format == shot_format::webp ? encode_webp(picture, wish.quality)
                                                  : encode_png(picture);
  if (!bytes)
    return bytes.error();
  return finished_shot{std::move(*bytes), width, height};
}

} // namespace holt::desktop
