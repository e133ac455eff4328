// SPDX-License-Identifier: Apache-2.0
#pragma once

// What of one output stream stays: its head and its tail in memory for the answer, what is between
// on disk for `fetch`. Counts every byte, kept or not. Owned by a shell_job, which guards it; not
// thread-safe. Memory is bounded by the limit, whatever a program prints.

#include "shell/spill_file.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace holt::shell {

/// A stream as an answer shows it.
struct kept_text {
  std::string bytes;       ///< everything, or head and tail, glued
  bool truncated = false;  ///< something is missing at `cut`
  std::size_t cut = 0;     ///< bytes of the head, when truncated
  std::uint64_t total = 0; ///< bytes of the whole stream
};

class output_keeper {
public:
  /// Keeps `limit` bytes in memory: head 3/4, tail 1/4.
  output_keeper(std::size_t limit, std::string spill_dir, std::uint64_t max_spill);

  void take(std::string_view bytes);

  /// The whole stream when it fits; else head and tail, neither cutting a UTF-8 character.
  kept_text text() const;

  /// Bytes seen.
  std::uint64_t total() const noexcept { return total_; }

  /// Up to `len` bytes from `off` on, as far as they are kept without a gap; empty at the end.
  /// not_found: beyond the end, or not kept.
  result<std::string> stored(std::uint64_t off, std::size_t len) const;

private:
  std::string tail() const;

  std::size_t head_max_;
  std::size_t tail_max_;
  std::uint64_t total_ = 0;
  std::string head_;
  std::string ring_;        ///< the newest bytes behind the head
  std::size_t ring_at_ = 0; ///< the oldest byte, once the ring is full
  spill_file spill_;
};

/// Head and tail of a text that is too long for its carrier, as the keeper would have made them.
kept_text head_and_tail(std::string_view bytes, std::size_t limit);

} // namespace holt::shell
