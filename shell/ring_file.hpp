// SPDX-License-Identifier: Apache-2.0
#pragma once

// The older part of a process's output, on disk: a file of fixed size without a name, written round
// and round, addressed by the offset in the whole output. Owned by a process_log, which guards it;
// not thread-safe. What cannot be written (a full disk) ends it: from then on it keeps nothing.

#include "files/path_jail.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace holt::shell {

class ring_file {
public:
  /// `dir` empty or `capacity` 0: nothing is ever kept.
  ring_file(std::string dir, std::uint64_t capacity) : dir_{std::move(dir)}, capacity_{capacity} {}

  /// Bytes that follow what was written before; `off` is where they begin in the whole output.
  /// False: they are not kept, and nothing is any more.
  bool write(std::uint64_t off, std::string_view bytes);
  /// Exactly `len` bytes; false when they are not all there.
  bool read(std::uint64_t off, std::size_t len, std::string& into) const;
  /// Nothing is kept any more.
  bool failed() const noexcept { return failed_; }
  /// Offset of the oldest byte that is kept.
  std::uint64_t first() const noexcept { return end_ - (end_ < capacity_ ? end_ : capacity_); }
  /// Offset behind the newest one.
  std::uint64_t end() const noexcept { return end_; }

private:
  std::string dir_;
  std::uint64_t capacity_;
  std::uint64_t end_ = 0;
  files::unique_fd fd_;
  bool failed_ = false;
};

} // namespace holt::shell
