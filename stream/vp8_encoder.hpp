// SPDX-License-Identifier: Apache-2.0
#pragma once

// libvpx VP8 for a live screen: constant bit rate, real time, tuned for screen content. One per
// video_source, on its thread (libvpx adds a worker only for very large screens). Never drops a
// picture: each encode() gives exactly one packet.

#include "desktop/picture.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace holt::stream {

struct vp8_settings {
  unsigned width = 0;
  unsigned height = 0;
  unsigned bitrate_bps = 2'000'000;
  unsigned fps = 30;
};

class vp8_encoder {
public:
  static result<std::unique_ptr<vp8_encoder>> create(const vp8_settings& settings);
  ~vp8_encoder();
  vp8_encoder(const vp8_encoder&) = delete;
  vp8_encoder& operator=(const vp8_encoder&) = delete;

  struct packet {
    bool key = false;
    std::vector<std::uint8_t> data;
  };

  /// `picture` must have the encoder's size. `timestamp`: 90 kHz, must grow from call to call.
  result<packet> encode(desktop::i420_picture& picture, std::uint64_t timestamp, bool key);

  /// From the next picture on.
  result<void> set_bitrate(unsigned bps);

  const vp8_settings& settings() const noexcept { return settings_; }

private:
  struct state;
  explicit vp8_encoder(const vp8_settings& settings);
  vp8_settings settings_;
  std::unique_ptr<state> state_;
};

} // namespace holt::stream
