// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the sources of holt-stream (screen, sound) hand to its transport: encoded frames, each
// encoded once and shared by all viewers. Owned by whoever holds the pointer last.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holt::stream {

/// One VP8 picture or one Opus packet of 20 ms.
struct encoded_frame {
  bool video = false;
  bool key = false;                ///< decodable without an earlier frame; true for sound
  std::uint32_t rtp_timestamp = 0; ///< 90 kHz for video, 48 kHz for sound
  std::chrono::system_clock::time_point captured; ///< for sender reports
  std::vector<std::uint8_t> data;
};

using frame_ptr = std::shared_ptr<const encoded_frame>;

/// Called on the source's own thread; must not block.
using frame_sink = std::function<void(frame_ptr)>;

struct screen_size {
  unsigned width = 0;  ///< pixels
  unsigned height = 0; ///< pixels
  unsigned rate = 0;   ///< Hz
  friend bool operator==(const screen_size&, const screen_size&) = default;
};

} // namespace holt::stream
