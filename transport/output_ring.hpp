// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a child printed: bytes in, lines out, the newest kept in a bounded ring. Owned by a
// process (on its strand); not thread-safe. Never throws on what a child prints: invalid UTF-8
// becomes U+FFFD, control characters (but tab) become '?', long lines are cut.

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace holt {

/// `bytes` as valid UTF-8 without control characters (tab stays).
std::string printable_utf8(std::string_view bytes);

/// Parts a byte stream into lines. '\n' ends a line, a '\r' before it is dropped.
class line_splitter {
public:
  explicit line_splitter(std::size_t max_line_bytes = 4096) : max_(max_line_bytes) {}

  /// Calls `line` for each line that `bytes` completes, cut to the maximum with " …" behind it.
  void feed(std::string_view bytes, const std::function<void(std::string)>& line);

  /// The last line, when it has no end.
  void finish(const std::function<void(std::string)>& line);

private:
  void emit(const std::function<void(std::string)>& line);

  std::size_t max_;
  std::string pending_;
  bool cut_ = false; ///< `pending_` is full: bytes are dropped up to the line's end
};

/// The newest lines, at most `max_bytes` of text.
class output_ring {
public:
  explicit output_ring(std::size_t max_bytes = 64 * 1024) : max_(max_bytes) {}

  void push(std::string line);
  /// The newest `n` lines, oldest first.
  std::vector<std::string> last(std::size_t n) const;
  std::size_t bytes() const noexcept { return bytes_; }

private:
  std::size_t max_;
  std::size_t bytes_ = 0;
  std::deque<std::string> lines_;
};

} // namespace holt
