// SPDX-License-Identifier: Apache-2.0
#pragma once

// The output of one running command between its process and who follows it: what came is kept,
// within bounds, until the worker sends it on at its own pace; what does not fit is dropped from
// the front, and the offsets tell. Thread-safe: filled on the job's strand, emptied by the worker.

#include "actors/secret_mask.hpp"
#include "shell/shell_job.hpp"

#include <array>
#include <deque>
#include <mutex>
#include <optional>

namespace holt {

struct live_piece {
  shell::shell_stream stream = shell::shell_stream::out;
  std::uint64_t off = 0; ///< in the stream, of raw bytes
  std::string bytes;
};

struct live_limits {
  std::size_t piece = 64 * 1024;     ///< bytes of one chunk to the agent
  std::size_t waiting = 1024 * 1024; ///< bytes kept for the agent
  std::size_t feed_piece = 8 * 1024; ///< bytes of one event in the feed; more is dropped
};

class live_output {
public:
  live_output(bool for_agent, secret_mask_ptr mask, live_limits limits = {});

  /// True: the worker must be told; it has not been since it last took.
  bool add(shell::shell_stream stream, std::uint64_t off, std::string bytes);
  /// No more comes: what was held back may go.
  void finish();
  /// From here on `add` tells again.
  void hear();

  /// The oldest piece for the agent, cut where a character ends.
  std::optional<live_piece> next_chunk();
  /// The same for the feed: masked, text.
  std::optional<live_piece> next_feed();

private:
  using queue = std::deque<live_piece>;
  std::optional<live_piece> take(queue& from, std::size_t most) const;
  static void push(queue& to, std::size_t& total, live_piece what, std::size_t most);

  const bool for_agent_;
  const live_limits limits_;
  mutable std::mutex mutex_;
  queue chunks_;
  std::size_t chunk_bytes_ = 0;
  queue feed_;
  std::size_t feed_bytes_ = 0;
  std::array<secret_mask::stream, 2> masks_;
  std::array<std::uint64_t, 2> ends_{}; ///< offset behind the newest byte, by stream
  bool told_ = false;
  bool finished_ = false;
};

/// How many bytes of `text` end with a whole character; all of them when it is no UTF-8.
std::size_t whole_characters(std::string_view text) noexcept;

} // namespace holt
