// SPDX-License-Identifier: Apache-2.0
#pragma once

// The desktop's sound as Opus: records a PulseAudio monitor in pieces of 20 ms while somebody
// listens. One thread of its own (libpulse's main loop); the public functions may be called from
// any thread and never block (stop does, shortly). Without PulseAudio it tries again with back-off
// for ever and says so; nothing else depends on it.

#include "messages/error.hpp"
#include "stream/media.hpp"

#include <memory>

namespace holt::stream {

struct audio_settings {
  std::string server;                          ///< like "unix:/path"; empty: libpulse's default
  std::string device = "audio_output.monitor"; ///< source to record
  std::chrono::milliseconds retry_first{500};
  std::chrono::milliseconds retry_max{10'000};
  /// After half a second of digital silence only one packet in this time is sent (its RTP
  /// timestamps go on with the clock); 0: send all.
  std::chrono::milliseconds silence_interval{200};
};

enum class audio_state {
  idle,       ///< nobody listens
  connecting, ///< to PulseAudio
  recording,
  retrying, ///< PulseAudio or the device is missing
};

struct audio_callbacks {
  frame_sink on_frame;
  /// Each change, with the reason for `retrying`. On the source's thread.
  std::function<void(audio_state, const std::string& reason)> on_state;
};

class audio_source {
public:
  audio_source(audio_settings settings, audio_callbacks callbacks);
  ~audio_source(); ///< stops
  audio_source(const audio_source&) = delete;
  audio_source& operator=(const audio_source&) = delete;

  result<void> start();
  void stop(); ///< no callback runs afterwards; idempotent

  /// 0 disconnects from PulseAudio.
  void set_viewers(unsigned count);

  audio_state state() const noexcept;

private:
  class worker;
  std::unique_ptr<worker> worker_;
};

} // namespace holt::stream
