// SPDX-License-Identifier: Apache-2.0
#pragma once

// The only way to the file system for commands and the file API: every path is resolved by the
// kernel below one of the configured roots (openat2, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS),
// never by string tests. Without openat2, and for links from one root into another, a component
// walk with O_NOFOLLOW (files/jail_walk) does the same, slower. Immutable after open():
// thread-safe. Calls block.

#include "messages/error.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holt::files {

/// A descriptor that closes itself.
class unique_fd {
public:
  unique_fd() = default;
  explicit unique_fd(int fd) noexcept : fd_{fd} {}
  unique_fd(unique_fd&& other) noexcept : fd_{other.release()} {}
  unique_fd& operator=(unique_fd&& other) noexcept;
  ~unique_fd();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept;

private:
  int fd_ = -1;
};

/// Where a path of a command leads: a root and the path below it.
struct jailed_path {
  std::size_t root = 0;
  /// Relative, `.` for the root itself; never absolute, may hold `..`; ends in `/` when only a
  /// folder will do.
  std::string below;
  std::string shown; ///< absolute, as answers name it
};

struct jail_options {
  std::vector<std::string> roots; ///< the first is the workspace: relative paths start there
  /// Where no real /workspace exists, that prefix names the first root.
  bool workspace_alias = true;
  bool without_openat2 = false; ///< tests
};

class path_jail {
public:
  /// Opens the roots. not_found or not_directory names the root.
  static result<std::shared_ptr<const path_jail>> open(jail_options how);
  ~path_jail();

  /// Which root; no look at the file system. invalid_request: empty, NUL, above 4,096 bytes;
  /// denied: below no root.
  result<jailed_path> locate(std::string_view path) const;

  /// Opens it below its root; `flags` as open(2), O_CLOEXEC, O_NOCTTY and O_NONBLOCK are added.
  /// Never blocks on FIFOs or devices. Errors as `from_errno`.
  result<unique_fd> open_at(const jailed_path& where, int flags, unsigned mode = 0) const;

  /// The folder that holds it, and its own name in there (one component, not `.` or `..`), for
  /// renameat and friends. With `make_parents` missing folders are made (0777 & ~umask).
  struct slot {
    unique_fd folder;
    std::string name;
  };
  result<slot> open_parent(const jailed_path& where, bool make_parents) const;

  /// The same for what it leads to: a symlink at its end is followed, also to where nothing is yet.
  result<slot> open_target(const jailed_path& where, bool make_parents) const;

  const std::vector<std::string>& roots() const noexcept { return roots_; }
  /// The workspace.
  const std::string& workspace() const noexcept { return roots_.front(); }

private:
  path_jail() = default;
  result<unique_fd> open_folder(const jailed_path& where, std::string_view below,
                                bool make_parents) const;

  std::vector<std::string> roots_; ///< as configured, made absolute
  std::vector<std::string> real_;  ///< without symlinks
  std::vector<unique_fd> fds_;
  bool alias_ = false;
  bool openat2_ = true;
};

/// not_found, denied, exists, is_directory, not_directory, conflict (folder not empty), no_space,
/// read_only, payload_too_large, busy, unsupported, invalid_request (name too long), io; the detail
/// names `path` and is UTF-8.
error from_errno(int number, std::string_view path);

/// `path` as UTF-8 for people: other bytes as `?`.
std::string printable(std::string_view path);

} // namespace holt::files
