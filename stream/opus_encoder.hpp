// SPDX-License-Identifier: Apache-2.0
#pragma once

// libopus for 48 kHz stereo in packets of 20 ms: 96 kbit/s, complexity 5, in-band FEC, no DTX. One
// per audio_source, on its thread.

#include "messages/error.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace holt::stream {

inline constexpr unsigned opus_rate = 48'000;
inline constexpr std::size_t opus_frame_samples = 960; ///< a channel, 20 ms

class opus_encoder {
public:
  static result<std::unique_ptr<opus_encoder>> create();
  ~opus_encoder();
  opus_encoder(const opus_encoder&) = delete;
  opus_encoder& operator=(const opus_encoder&) = delete;

  /// `pcm`: 960 interleaved pairs (1,920 values).
  result<std::vector<std::uint8_t>> encode(std::span<const std::int16_t> pcm);

private:
  opus_encoder() = default;
  void* raw_ = nullptr; ///< OpusEncoder
};

} // namespace holt::stream
