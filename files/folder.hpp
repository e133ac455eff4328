// SPDX-License-Identifier: Apache-2.0
#pragma once

// Folders read for list, tree, glob, grep and remove: names in the order of their bytes, without
// our own temporary files.

#include "files/content.hpp"

namespace holt::files {

struct open_folder_result {
  unique_fd fd; ///< O_RDONLY
  entry_look look;
};

/// not_directory; denied, also for root when nobody may read it.
result<open_folder_result> open_folder(const path_jail& jail, const jailed_path& where);
/// A name in an open folder; a link is not followed.
result<open_folder_result> open_folder(int folder, const std::string& name, std::string_view shown);

struct folder_entry {
  std::string name;
  entry_type type = entry_type::other;
  friend bool operator<(const folder_entry& a, const folder_entry& b) { return a.name < b.name; }
};

/// Sorted; `with_temporary` also lists `.holt-…`. payload_too_large above 2,000,000 names.
result<std::vector<folder_entry>> entries_in(const file_context& context, int folder,
                                             std::string_view shown, bool with_temporary = false);

/// `folder/name`, as answers name it.
std::string below(std::string_view folder, std::string_view name);

} // namespace holt::files
