// SPDX-License-Identifier: Apache-2.0
#pragma once

// The entries of a folder, or of a tree, as the HTTP API lists them. Blocking.

#include "files/look.hpp"

#include "files/file_commands.hpp"

namespace holt::files {

struct listed_entry {
  std::string name;
  std::string path; ///< absolute
  entry_look look;  ///< links are not followed
};

struct listing {
  std::vector<listed_entry> entries; ///< by name; of a tree depth first
  bool truncated = false;
  std::size_t unreadable = 0; ///< folders
};

struct listing_options {
  std::size_t depth = 1; ///< 1: the folder alone
  std::size_t limit = 100'000;
};

/// not_found, denied, not_directory.
result<listing> list_entries(const file_context& context, std::string_view path,
                             const listing_options& how);

struct stat_entry {
  listed_entry entry; ///< links followed
  bool link = false;  ///< the path itself is a link
  std::string etag;
};

result<stat_entry> stat_path(const file_context& context, std::string_view path);

} // namespace holt::files
