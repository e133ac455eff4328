// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a long-lived process printed: entries with a sequence number and the offset in their stream;
// the newest bytes in memory, older ones in a ring on disk, the oldest forgotten and counted.
// Shared by the process, which appends, and any number of readers with a cursor each. Thread-safe;
// appending never waits for a reader. Memory is bounded whatever is printed.

#include "shell/ring_file.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holt::shell {

enum class output_stream : std::uint8_t { out, err, terminal };

/// `stdout`, `stderr`, `pty`.
std::string_view to_string(output_stream) noexcept;
std::optional<output_stream> output_stream_from(std::string_view name) noexcept;

struct log_limits {
  std::uint64_t bytes = 10 * 1024 * 1024; ///< of all streams, kept
  std::size_t memory = 256 * 1024;        ///< of them in memory
  std::size_t entries = 65'536;
  std::size_t at_once = 64 * 1024; ///< bytes that one read of its output may bring
};

struct log_entry {
  std::uint64_t sequence = 0; ///< from 1 on, of all streams
  output_stream stream = output_stream::out;
  std::int64_t timestamp_ms = 0; ///< wall clock
  std::uint64_t offset = 0;      ///< of its first byte in its stream
  std::string bytes;
};

struct log_query {
  std::optional<output_stream> stream; ///< none: all of them
  std::uint64_t since = 0;             ///< entries behind this sequence number
  std::optional<std::uint64_t> offset; ///< with `stream`: from this byte on
  std::optional<std::size_t> tail;     ///< only the newest so many
  std::size_t max_bytes = 1024 * 1024; ///< of a page; one entry comes in any case
  /// Bytes of each stream that the reader has seen; makes what is lost exact.
  std::optional<std::array<std::uint64_t, 3>> seen;
};

/// What the reader asked for and what is not kept any more.
struct lost_output {
  std::uint64_t sequence = 0; ///< the last entry that is lost; 0: none is
  std::uint64_t bytes = 0;    ///< of the asked streams; 0: not known
};

struct log_page {
  std::vector<log_entry> entries;
  lost_output lost;                         ///< before the first entry
  std::uint64_t next = 0;                   ///< ask on with since = next
  bool more = false;                        ///< the page was full
  std::array<std::uint64_t, 3> forgotten{}; ///< bytes of each stream that are not kept
};

class process_log {
public:
  process_log(log_limits limits, std::string spill_dir);

  void append(output_stream stream, std::string_view bytes, std::int64_t timestamp_ms);

  log_page read(const log_query& what) const;

  /// Raw bytes of one stream from `offset` on, at most `max`.
  struct piece {
    std::string bytes;
    std::uint64_t offset = 0; ///< of the first; above the asked one when something is lost
    std::uint64_t lost = 0;   ///< bytes between
  };
  piece read_bytes(output_stream stream, std::uint64_t offset, std::size_t max) const;

  /// Bytes printed so far.
  std::uint64_t total(output_stream stream) const;
  /// The oldest byte that is kept.
  std::uint64_t first(output_stream stream) const;
  std::uint64_t last_sequence() const;
  /// So much has been printed behind `sequence` that a reader who is there would soon lose some.
  bool presses(std::uint64_t sequence) const;

private:
  struct row {
    std::uint64_t sequence = 0;
    std::uint64_t start = 0;  ///< in all output
    std::uint64_t offset = 0; ///< in its stream
    std::int64_t timestamp_ms = 0;
    std::uint32_t size = 0;
    output_stream stream = output_stream::out;
    bool on_disk = false;
    std::string bytes; ///< empty once on disk
  };

  void spill_locked();
  void forget_front_locked();
  void forget_locked();
  bool load_locked(const row& from, std::string& into) const;
  std::size_t find_locked(std::uint64_t since) const;

  const log_limits limits_;
  mutable std::mutex mutex_;
  std::deque<row> rows_; ///< oldest first; those on disk before those in memory
  ring_file disk_;
  std::size_t on_disk_ = 0;              ///< rows
  std::size_t memory_ = 0;               ///< bytes in memory
  std::uint64_t end_ = 0;                ///< bytes of all streams
  std::uint64_t sequence_ = 0;           ///< of the newest entry
  std::array<std::uint64_t, 3> total_{}; ///< bytes of each stream
  std::array<std::uint64_t, 3> gone_{};  ///< of each stream, forgotten
};

} // namespace holt::shell
