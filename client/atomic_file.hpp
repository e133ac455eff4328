// SPDX-License-Identifier: Apache-2.0
#pragma once

// A file of this machine that is replaced as a whole: written beside its place, then renamed. What
// is given up leaves nothing. A device or a pipe is written directly, a link is followed. Owned by
// the verb that writes it; blocking; one thread.

#include "messages/error.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace holt::client {

class atomic_file {
public:
  /// `mode`: permissions of the new file; nothing: those of the file in its place, else 0666 less
  /// the umask. not_found, denied, is_directory, no_space, read_only, io.
  static result<atomic_file> open(const std::string& path, std::optional<mode_t> mode = {});
  atomic_file(atomic_file&& other) noexcept;
  atomic_file& operator=(atomic_file&&) = delete;
  ~atomic_file(); ///< without commit(): nothing has happened

  result<void> write(std::string_view bytes);
  /// The file is in its place. With `durable` it is also on the disk.
  result<void> commit(bool durable = false);

private:
  atomic_file(int fd, std::string temporary, std::string target)
    : fd_{fd}, temporary_{std::move(temporary)}, target_{std::move(target)} {}

  int fd_ = -1;
  std::string temporary_; ///< empty: written directly
  std::string target_;
};

/// All of it to a descriptor. io and others as the file; a pipe whose reader left is `io`.
result<void> write_all(int fd, std::string_view bytes, const std::string& name);

/// As the daemon's file commands name it: not_found, denied, no_space …, and what it was about.
error local_error(int number, const std::string& path);

} // namespace holt::client
