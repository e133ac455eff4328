// SPDX-License-Identifier: Apache-2.0
#pragma once

// The recordings of the state folder: a video and a document beside it for each (`rec_N.mp4`,
// `rec_N.json`, both 0600), and the number given last, so that none is ever given twice. Opening it
// settles what a dead daemon left unfinished. Blocking; one thread at a time (its owner's strand).

#include "messages/error.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace holt {

enum class recording_status : std::uint8_t { running, completed, failed };

struct recording {
  std::uint64_t number = 0;
  recording_status status = recording_status::running;
  unsigned fps = 0;
  unsigned width = 0;  ///< pixels, of the video
  unsigned height = 0; ///< pixels
  bool sound = false;
  std::chrono::system_clock::time_point started;
  std::chrono::system_clock::time_point ended;
  std::chrono::milliseconds duration{0};
  std::uint64_t bytes = 0;
  std::string reason;                  ///< why it ended, when nobody stopped it
  std::vector<std::string> last_lines; ///< of ffmpeg, when it failed

  std::string id() const { return "rec_" + std::to_string(number); }
  std::string file_name() const { return id() + ".mp4"; }
};

/// As the contract shows it.
nlohmann::json to_document(const recording& what);

/// A further part of one that goes on after the screen changed its size.
struct recording_part {
  std::string path;                ///< of its video
  std::chrono::milliseconds at{0}; ///< where it belongs in the whole
};

class recording_store {
public:
  explicit recording_store(std::string folder) : folder_{std::move(folder)} {}

  /// Makes the folder (0700), reads it, settles it. A broken document costs itself only.
  result<void> open();

  /// Takes the next number and makes its files; `like` says the rest. no_space, io.
  result<recording> create(recording like);
  result<void> save(const recording& what);
  /// Makes an empty file for the next part.
  result<recording_part> begin_part(const recording& what, std::chrono::milliseconds at);
  /// Puts the part behind what there is and forgets it.
  result<void> join_part(const recording& what, const recording_part& part);
  /// Cuts off what is half-written; `bytes` and, when nothing can be played, `failed` follow.
  result<void> finish(recording& what);
  result<void> remove(const std::string& id);
  /// For one that never began.
  void forget(const recording& what);

  /// Oldest first, with their bytes of now.
  std::vector<recording> list() const;
  /// not_found.
  result<recording> find(std::string_view id) const;
  std::string path_of(const recording& what) const { return folder_ + "/" + what.file_name(); }
  std::size_t size() const noexcept { return all_.size(); }
  /// Of all videos.
  std::uint64_t total_bytes() const;

private:
  void read_document(const std::string& name);
  void settle(recording& what);
  result<void> make_file(const std::string& path) const;
  std::string document_path(const recording& what) const;
  std::string part_path(const recording& what) const;
  std::uint64_t bytes_of(const recording& what) const;

  std::string folder_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, recording> all_;
};

} // namespace holt
