// SPDX-License-Identifier: Apache-2.0
#include "stream/vp8_encoder.hpp"

#include <string>
#include <thread>

#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

namespace holt::stream {

namespace {

/// libvpx's threads spin for each other: with two of them a 720p picture took 150 to 220 ms on two
/// cores that were busy otherwise, 6 to 15 ms with one. More only where one is too slow and cores
/// are many.
unsigned threads_for(const vp8_settings& s) {
  bool large = std::size_t{s.width} * s.height > std::size_t{1920} * 1080;
  return large && std::thread::hardware_concurrency() >= 4 ? 2 : 1;
}

} // namespace

struct vp8_encoder::state {
  vpx_codec_enc_cfg_t config{};
  vpx_codec_ctx_t codec{};
  bool open = false;

  ~state() {
    if (open)
      vpx_codec_destroy(&codec);
  }
  error failure(const char* what) {
    const char* detail = vpx_codec_error(&codec);
    return {errc::stream_pipeline, std::string{what} + ": " + (detail != nullptr ? detail : "?")};
  }
};

vp8_encoder::vp8_encoder(const vp8_settings& settings)
  : settings_(settings), state_(std::make_unique<state>()) {}

vp8_encoder::~vp8_encoder() = default;

result<std::unique_ptr<vp8_encoder>> vp8_encoder::create(const vp8_settings& settings) {
  std::unique_ptr<vp8_encoder> self{new vp8_encoder(settings)};
  auto& config = self->state_->config;
  auto& codec = self->state_->codec;
  if (vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &config, 0) != VPX_CODEC_OK)
    return error{errc::stream_pipeline, "libvpx has no VP8 encoder"};
  config.g_w = settings.width;
  config.g_h = settings.height;
  config.g_timebase = {1, 90'000};
  config.g_threads = threads_for(settings);
  config.g_lag_in_frames = 0;
  config.g_error_resilient = 0;
  config.rc_end_usage = VPX_CBR;
  config.rc_target_bitrate = std::max(settings.bitrate_bps / 1000, 50u);
  config.rc_min_quantizer = 4;
  config.rc_max_quantizer = 52;
  config.rc_undershoot_pct = 95;
  config.rc_overshoot_pct = 25;
  config.rc_buf_sz = 600; // milliseconds
  config.rc_buf_initial_sz = 400;
  config.rc_buf_optimal_sz = 500;
  config.rc_dropframe_thresh = 0;
  config.kf_mode = VPX_KF_DISABLED; // key frames are asked for
  if (vpx_codec_enc_init(&codec, vpx_codec_vp8_cx(), &config, 0) != VPX_CODEC_OK)
    return self->state_->failure("VP8 encoder");
  self->state_->open = true;
  // A negative speed is a fixed one; a positive one adapts and eats what it finds.
  vpx_codec_control(&codec, VP8E_SET_CPUUSED, -12);
  vpx_codec_control(&codec, VP8E_SET_STATIC_THRESHOLD, 1u);
  vpx_codec_control(&codec, VP8E_SET_SCREEN_CONTENT_MODE, 1u);
  vpx_codec_control(&codec, VP8E_SET_MAX_INTRA_BITRATE_PCT, 900u);
  vpx_codec_control(&codec, VP8E_SET_TOKEN_PARTITIONS, 1);
  return self;
}

result<vp8_encoder::packet> vp8_encoder::encode(desktop::i420_picture& picture,
                                                std::uint64_t timestamp, bool key) {
  if (picture.width() != settings_.width || picture.height() != settings_.height)
    return error{errc::internal, "the picture has another size than the encoder"};
  vpx_image_t image{};
  // The wrap only describes the picture; the planes are set by hand for their strides.
  vpx_img_wrap(&image, VPX_IMG_FMT_I420, settings_.width, settings_.height, 1, picture.y());
  image.planes[VPX_PLANE_Y] = picture.y();
  image.planes[VPX_PLANE_U] = picture.u();
  image.planes[VPX_PLANE_V] = picture.v();
  image.stride[VPX_PLANE_Y] = static_cast<int>(picture.y_stride());
  image.stride[VPX_PLANE_U] = static_cast<int>(picture.uv_stride());
  image.stride[VPX_PLANE_V] = static_cast<int>(picture.uv_stride());
  auto duration = 90'000 / std::max(settings_.fps, 1u);
  if (vpx_codec_encode(&state_->codec, &image, static_cast<vpx_codec_pts_t>(timestamp), duration,
                       key ? VPX_EFLAG_FORCE_KF : 0, VPX_DL_REALTIME)
      != VPX_CODEC_OK)
    return state_->failure("VP8 encoding");
  packet out;
  vpx_codec_iter_t iterator = nullptr;
  while (const auto* p = vpx_codec_get_cx_data(&state_->codec, &iterator)) {
    if (p->kind != VPX_CODEC_CX_FRAME_PKT)
      continue;
    const auto* bytes = static_cast<const std::uint8_t*>(p->data.frame.buf);
    out.data.insert(out.data.end(), bytes, bytes + p->data.frame.sz);
    out.key = (p->data.frame.flags & VPX_FRAME_IS_KEY) != 0;
  }
  if (out.data.empty())
    return error{errc::stream_pipeline, "VP8 encoding gave no packet"};
  return out;
}

result<void> vp8_encoder::set_bitrate(unsigned bps) {
  settings_.bitrate_bps = bps;
  state_->config.rc_target_bitrate = std::max(bps / 1000, 50u);
  if (vpx_codec_enc_config_set(&state_->codec, &state_->config) != VPX_CODEC_OK)
    return state_->failure("VP8 bit rate");
  return {};
}

} // namespace holt::stream
