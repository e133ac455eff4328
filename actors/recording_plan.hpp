// SPDX-License-Identifier: Apache-2.0
#pragma once

// How ffmpeg is called for one part of a recording, and what its end means. Pure.

#include "actors/recording_store.hpp"
#include "supervisor/child_port.hpp"

#include <optional>

namespace holt {

/// From the configuration.
struct recording_limits {
  unsigned fps = 30;                           ///< where a caller names none
  std::uint64_t max_seconds = 4 * 3600;        ///< of one
  std::uint64_t max_bytes = 4ull << 30;        ///< of one
  std::uint64_t max_files = 200;               ///< kept
  std::uint64_t max_total_bytes = 20ull << 30; ///< of all
};

/// One run of ffmpeg.
struct recording_run {
  std::string display; ///< `:N`
  unsigned screen_width = 0;
  unsigned screen_height = 0;
  unsigned width = 0; ///< of the video: the same in all parts, both even
  unsigned height = 0;
  unsigned fps = 0;
  bool sound = false;      ///< the video has a track of it
  bool sound_there = true; ///< else silence goes into that track
  std::uint64_t seconds = 0;
  std::uint64_t bytes = 0;
  std::string path;
};

/// What must be left of recording.max_total_bytes for another one.
constexpr std::uint64_t smallest_recording = 1024 * 1024;

std::vector<std::string> ffmpeg_arguments(const recording_run& how);

/// Videos have even sides.
constexpr unsigned even(unsigned side) noexcept {
  return side + side % 2;
}

/// What follows from the end of a run that nobody asked for.
enum class run_end : std::uint8_t {
  limit, ///< ffmpeg stopped where it was told to
  died,  ///< it is over
};

struct run_verdict {
  run_end how = run_end::died;
  std::string reason; ///< a sentence
};

run_verdict judge(const supervision::exited& what, const recording_limits& limits,
                  std::chrono::milliseconds recorded, std::uint64_t bytes,
                  std::uint64_t bytes_allowed);

} // namespace holt
