// SPDX-License-Identifier: Apache-2.0
#pragma once

// The thread behind video_source: its loop, its X objects and its encoder. Owned by video_source;
// included by its two .cpp files only. The atomics and queue() are for other threads, everything
// below the line belongs to the thread.

#include "desktop/capture.hpp"
#include "desktop/damage.hpp"
#include "stream/video_source.hpp"
#include "stream/vp8_encoder.hpp"
#include "stream/wake_fd.hpp"

#include <deque>
#include <mutex>
#include <optional>
#include <thread>

namespace holt::stream {

class video_source::worker {
public:
  using clock = std::chrono::steady_clock;

  /// A resize or a shot, whichever has its callback set.
  struct job {
    screen_size size;
    resize_done resized;
    int quality = 0;
    shot_done shot;
    errc why = errc::busy; ///< of a refusal
  };

  worker(video_settings settings, video_callbacks callbacks);

  result<void> start();
  void stop();
  /// Gives the job back when it cannot be taken.
  std::optional<job> queue(job what);
  screen_size size() const;
  video_statistics statistics() const;

  std::atomic<unsigned> viewers{0};
  std::atomic<bool> key_wanted{false};
  std::atomic<unsigned> bitrate;
  std::atomic<bool> running{false};
  std::atomic<clock::rep> tick{0};
  wake_fd waker;

private:
  // -- the thread's own
  void run();
  result<clock::time_point> turn();
  result<void> drain_events();
  void run_jobs();
  void run_resize(job& what);
  void run_shot(job& what);
  result<void> read_size();
  result<bool> capture_now();
  result<void> encode_now(bool key);
  void rest();
  void end(const error* why);

  video_settings settings_;
  video_callbacks callbacks_;
  std::thread thread_;
  std::atomic<bool> quit_{false};
  mutable std::mutex mutex_;
  std::deque<job> jobs_;        ///< guarded
  screen_size size_;            ///< guarded
  video_statistics statistics_; ///< guarded

  std::unique_ptr<desktop::connection> x_;
  std::optional<desktop::capture> capture_;
  std::optional<desktop::damage> damage_;
  std::unique_ptr<vp8_encoder> encoder_;
  desktop::i420_picture picture_;
  bool have_picture_ = false; ///< picture_ is the whole screen as of the last capture
  bool damaged_ = false;
  int refine_left_ = 0;
  clock::time_point began_;
  clock::time_point next_capture_{};
  clock::time_point next_refine_{};
  clock::time_point last_key_{};
  clock::time_point next_ping_{};
  std::chrono::system_clock::time_point captured_{};
  clock::time_point captured_steady_{};
  std::uint64_t last_timestamp_ = 0;
};

} // namespace holt::stream
