// SPDX-License-Identifier: Apache-2.0
#pragma once

// The thread behind audio_source: libpulse's main loop, the connection and the encoder. Owned by
// audio_source; included by its .cpp file only. libpulse's callbacks only set flags and take
// samples; what closes things runs between two rounds of the loop.

#include "stream/audio_source.hpp"
#include "stream/opus_encoder.hpp"

#include <atomic>
#include <thread>

#include <pulse/pulseaudio.h>

namespace holt::stream {

class audio_source::worker {
public:
  using clock = std::chrono::steady_clock;

  worker(audio_settings settings, audio_callbacks callbacks);
  ~worker();

  result<void> start();
  void stop();
  void wake();

  std::atomic<unsigned> viewers{0};
  std::atomic<audio_state> state{audio_state::idle};

private:
  void run();
  void turn();
  void connect();
  void record();
  void disconnect();
  void fail(const std::string& why);
  void enter(audio_state next, const std::string& reason);
  int wait_us() const;
  void read_samples();
  void encode(std::span<const std::int16_t> pcm);

  audio_settings settings_;
  audio_callbacks callbacks_;
  std::thread thread_;
  std::atomic<bool> quit_{false};
  std::atomic<bool> woken_{false}; ///< since turn() last looked
  pa_mainloop* loop_ = nullptr;

  // -- the thread's own
  pa_context* context_ = nullptr;
  pa_stream* stream_ = nullptr;
  std::unique_ptr<opus_encoder> encoder_;
  std::string failure_;          ///< set by a callback, taken by turn()
  clock::time_point deadline_{}; ///< of connecting
  clock::time_point next_try_{}; ///< of retrying
  std::chrono::milliseconds back_off_{};
  audio_state told_ = audio_state::idle; ///< what was told last: trying again is no news
  clock::time_point began_;
  std::vector<std::int16_t> samples_;
  std::uint64_t next_sample_ = 0; ///< RTP time of the next packet, 48 kHz since began_
  unsigned silent_packets_ = 0;
};

} // namespace holt::stream
