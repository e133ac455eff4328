// SPDX-License-Identifier: Apache-2.0
#pragma once

// A file that is appended to and rotated by size: name, name.1 (older), name.2 (oldest).
// Owned by the logger and by each process that logs to a file. Not thread-safe. Never throws; a
// write that fails is counted and dropped, so a full disk does not stop a child.

#include "messages/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace holt {

class log_file {
public:
  /// `keep`: how many rotated files stay beside the current one.
  log_file(std::string path, std::uint64_t max_bytes, unsigned keep) noexcept;
  log_file(const log_file&) = delete;
  log_file& operator=(const log_file&) = delete;
  ~log_file();

  /// Opens for appending (mode 0600), creating it. io, no_space or read_only with the path.
  result<void> open();

  /// Every log file of this process opens its path anew before it writes again: somebody else has
  /// moved the files away. One that cannot be opened keeps the old one. From any thread.
  static void reopen_all() noexcept;

  /// Appends; rotates first when the file would grow beyond `max_bytes`.
  void write(std::string_view bytes) noexcept;

  /// Writes that failed since the start.
  std::uint64_t failed() const noexcept { return failed_; }

private:
  void rotate() noexcept;

  std::string path_;
  std::uint64_t max_bytes_;
  unsigned keep_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t opened_ = 0; ///< number of the reopen_all() that it has followed
};

} // namespace holt
