// SPDX-License-Identifier: Apache-2.0
#include "desktop/picture.hpp"

#include <libyuv.h>

namespace holt::desktop {

void i420_picture::resize(unsigned width, unsigned height) {
  width_ = width;
  height_ = height;
  y_stride_ = (std::size_t{width} + 63) / 64 * 64;
  rows_ = (std::size_t{height} + 1) / 2 * 2;
  bytes_.resize(y_stride_ * rows_ * 3 / 2);
}

result<void> i420_picture::put(const bgrx_view& pixels, unsigned x, unsigned y) {
  if (x % 2 != 0 || y % 2 != 0 || x + pixels.width > width_ || y + pixels.height > height_)
    return error{errc::invalid_request, "a rectangle does not fit into the picture"};
  auto* luma = this->y() + y * y_stride_ + x;
  auto* blue = u() + y / 2 * uv_stride() + x / 2;
  auto* red = v() + y / 2 * uv_stride() + x / 2;
  auto stride = [](std::size_t bytes) { return static_cast<int>(bytes); };
  if (libyuv::ARGBToI420(pixels.data, stride(pixels.stride), luma, stride(y_stride_), blue,
                         stride(uv_stride()), red, stride(uv_stride()),
                         static_cast<int>(pixels.width), static_cast<int>(pixels.height))
      != 0)
    return error{errc::internal, "conversion to I420 failed"};
  return {};
}

} // namespace holt::desktop
