// SPDX-License-Identifier: Apache-2.0
#pragma once

// Folders as tar and tar.zst, both ways, by libarchive. Blocking. An archive from outside is looked
// through first: names that climb or are absolute, things that are neither file, folder nor link,
// and what is cut short are refused before anything is made. Nothing is ever written through a
// link.

#include "files/file_commands.hpp"

#include <memory>

namespace holt::files {

enum class archive_format : std::uint8_t { tar, tar_zst };

inline constexpr std::size_t max_archive_depth = 200; ///< folders in folders; descriptors held

/// What an archive of a folder would lack.
struct unreadable {
  std::uint64_t count = 0;        ///< files that cannot be read; folders, each with all below it
  std::vector<std::string> paths; ///< of the first 20, relative
};

/// Looks through all that is below `path`. What is neither file, folder nor link (sockets, pipes)
/// belongs in no archive and is not counted. not_found, denied: `path` itself.
result<unreadable> find_unreadable(const file_context& context, std::string_view path);

/// Makes an archive piece by piece; memory does not grow with what is in it.
class packer {
public:
  /// not_found, denied, unsupported. Names are relative to `path`; of a single file, its name.
  /// `may_skip` of what cannot be read are left out; more of it is an error of `next`, denied.
  static result<std::unique_ptr<packer>> open(file_context context, std::string_view path,
                                              archive_format format, std::uint64_t may_skip = 0);
  virtual ~packer() = default;
  /// About 256 KiB; empty at the end.
  virtual result<std::string> next() = 0;
};

struct unpacked {
  std::vector<std::string> paths; ///< absolute, the first `max_paths`
  bool truncated = false;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
};

struct unpack_options {
  archive_format format = archive_format::tar;
  std::size_t max_paths = 1024;
  std::uint64_t max_entries = 1'000'000;
};

/// Unpacks the archive in `fd` (a seekable file, from its beginning) below `path`, which is made.
/// Files are replaced one by one, each at once; folders are joined. invalid_request: no archive, or
/// a refused name; payload_too_large; conflict: a link stands in the way.
result<unpacked> unpack(const file_context& context, int fd, std::string_view path,
                        const unpack_options& how);

} // namespace holt::files
