// SPDX-License-Identifier: Apache-2.0
#pragma once

// A stream's output on disk: appended up to a cap, read again by offset. The file has no name, so
// nothing is left of it even when the daemon is killed. Owned by an output_keeper; not thread-safe.
// What cannot be written (a full disk) ends it quietly: size() says how much is there.

#include "files/path_jail.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace holt::shell {

/// A file without a name in `dir`, 0600; none where the folder is missing or full.
files::unique_fd open_unnamed(const std::string& dir);

class spill_file {
public:
  /// `dir` empty: nothing is ever kept.
  spill_file(std::string dir, std::uint64_t cap) : dir_{std::move(dir)}, cap_{cap} {}

  void append(std::string_view bytes);
  /// Bytes kept: the stream's first ones.
  std::uint64_t size() const noexcept { return size_; }
  /// At most `len` bytes from `off` on; io when the disk fails.
  result<std::string> read(std::uint64_t off, std::size_t len) const;

private:
  std::string dir_;
  std::uint64_t cap_;
  std::uint64_t size_ = 0;
  files::unique_fd fd_;
  bool ended_ = false; ///< full, or the disk refused
};

} // namespace holt::shell
