// SPDX-License-Identifier: Apache-2.0
#include "stream/opus_encoder.hpp"

#include <array>
#include <string>

#include <opus/opus.h>

namespace holt::stream {

namespace {
constexpr std::size_t max_packet = 1275; ///< RFC 6716, section 3.4
} // namespace

result<std::unique_ptr<opus_encoder>> opus_encoder::create() {
  int code = OPUS_OK;
  auto* raw = opus_encoder_create(opus_rate, 2, OPUS_APPLICATION_AUDIO, &code);
  if (raw == nullptr)
    return error{errc::stream_pipeline, std::string{"Opus encoder: "} + opus_strerror(code)};
  std::unique_ptr<opus_encoder> self{new opus_encoder};
  self->raw_ = raw;
  opus_encoder_ctl(raw, OPUS_SET_BITRATE(96'000));
  opus_encoder_ctl(raw, OPUS_SET_COMPLEXITY(5));
  opus_encoder_ctl(raw, OPUS_SET_INBAND_FEC(1));
  opus_encoder_ctl(raw, OPUS_SET_PACKET_LOSS_PERC(5)); // FEC is spent only on expected loss
  opus_encoder_ctl(raw, OPUS_SET_DTX(0));
  return self;
}

opus_encoder::~opus_encoder() {
  opus_encoder_destroy(static_cast<OpusEncoder*>(raw_));
}

result<std::vector<std::uint8_t>> opus_encoder::encode(std::span<const std::int16_t> pcm) {
  if (pcm.size() != opus_frame_samples * 2)
    return error{errc::internal, "an Opus packet takes 960 sample pairs"};
  std::array<std::uint8_t, max_packet> out;
  auto size = opus_encode(static_cast<OpusEncoder*>(raw_), pcm.data(), opus_frame_samples,
                          out.data(), static_cast<opus_int32>(out.size()));
  if (size <= 0)
    return error{errc::stream_pipeline, std::string{"Opus: "} + opus_strerror(size)};
  return std::vector<std::uint8_t>(out.data(), out.data() + size);
}

} // namespace holt::stream
