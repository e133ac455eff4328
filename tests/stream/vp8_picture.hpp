// SPDX-License-Identifier: Apache-2.0
#pragma once

// Decodes VP8 frames with libvpx and answers colours. Header only, for tests.

#include "stream/media.hpp"

#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>

#include <algorithm>
#include <cstdlib>

namespace holt::test {

class vp8_picture {
public:
  vp8_picture() { vpx_codec_dec_init(&codec_, vpx_codec_vp8_dx(), nullptr, 0); }
  ~vp8_picture() { vpx_codec_destroy(&codec_); }
  vp8_picture(const vp8_picture&) = delete;
  vp8_picture& operator=(const vp8_picture&) = delete;

  bool decode(const stream::encoded_frame& frame) {
    if (vpx_codec_decode(&codec_, frame.data.data(), static_cast<unsigned>(frame.data.size()),
                         nullptr, 0)
        != VPX_CODEC_OK)
      return false;
    vpx_codec_iter_t iterator = nullptr;
    image_ = vpx_codec_get_frame(&codec_, &iterator);
    return image_ != nullptr;
  }

  unsigned width() const { return image_ != nullptr ? image_->d_w : 0; }
  unsigned height() const { return image_ != nullptr ? image_->d_h : 0; }

  /// The pixel is this 0xRRGGBB, give or take 24 a channel.
  bool is(unsigned x, unsigned y, std::uint32_t colour) const {
    if (x >= width() || y >= height())
      return false;
    auto at = [&](int plane, unsigned column, unsigned row) {
      return double(image_->planes[plane][static_cast<int>(row) * image_->stride[plane]
                                          + static_cast<int>(column)]);
    };
    auto luma = 1.164 * (at(0, x, y) - 16);
    auto u = at(1, x / 2, y / 2) - 128;
    auto v = at(2, x / 2, y / 2) - 128;
    auto near
      = [](double got, std::uint32_t want) { return std::abs(got - double(want & 0xff)) < 24; };
    return near(luma + 1.596 * v, colour >> 16) && near(luma - 0.392 * u - 0.813 * v, colour >> 8)
           && near(luma + 2.017 * u, colour);
  }

private:
  vpx_codec_ctx_t codec_{};
  vpx_image_t* image_ = nullptr;
};

} // namespace holt::test
