// SPDX-License-Identifier: Apache-2.0
#pragma once

// The screen as VP8: captures when something changed and somebody watches, encodes once for all.
// One thread of its own with its own X connection; the public functions may be called from any
// thread and never block (start and stop do). Nothing runs without viewers; on a still screen a few
// refining pictures, then silence. The pointer is not in the picture.

#include "desktop/connection.hpp"
#include "stream/media.hpp"

#include <atomic>
#include <memory>

namespace holt::stream {

struct video_settings {
  desktop::display_address display;
  unsigned fps = 30;
  unsigned bitrate_bps = 2'000'000;
  /// Set at start where it differs from what the server has; width 0: leave it.
  screen_size initial;
};

struct video_callbacks {
  frame_sink on_frame;
  /// The size the pictures have from now on; also once in start() before it returns.
  std::function<void(screen_size)> on_size;
  /// The X server is gone or the encoder broke: the source has ended. Once.
  std::function<void(const error&)> on_failure;
};

struct video_statistics {
  std::uint64_t frames = 0;
  std::uint64_t keys = 0;
  std::uint64_t bytes = 0;
  std::uint64_t capture_us = 0; ///< sum: grab and conversion
  std::uint64_t encode_us = 0;  ///< sum
};

class video_source {
public:
  video_source(video_settings settings, video_callbacks callbacks);
  ~video_source(); ///< stops
  video_source(const video_source&) = delete;
  video_source& operator=(const video_source&) = delete;

  /// Connects to X and starts the thread. Callbacks come from that thread (on_size also from here).
  result<void> start();

  /// Ends the thread, also when the X server hangs. No callback runs afterwards. Idempotent.
  void stop();

  /// How many connected viewers there are; 0 stops capture and frees the encoder.
  void set_viewers(unsigned count);

  /// A key frame of the newest picture, at once, but at most one in 100 ms.
  void request_key();

  void set_bitrate(unsigned bps);

  using resize_done = std::function<void(result<screen_size>)>;
  /// Sets the screen's size; `done` gets what is in force, on the source's thread. on_size comes
  /// before it. A source that has ended answers engine_unavailable from the calling thread.
  void resize(screen_size wanted, resize_done done);

  using shot_done = std::function<void(result<std::vector<std::uint8_t>>)>;
  /// The screen now as JPEG, quality 1 to 100; at most 8 wait (then errc::busy).
  void shot(int quality, shot_done done);

  screen_size size() const;
  video_statistics statistics() const;

  /// Time since the thread last went round with an X server that answered; it does so once a
  /// second at least. More than 3 s: stuck.
  std::chrono::milliseconds since_tick() const;

  /// The thread runs.
  bool running() const noexcept;

private:
  class worker; // stream/video_worker.hpp
  std::unique_ptr<worker> worker_;
};

} // namespace holt::stream
