// SPDX-License-Identifier: Apache-2.0
#pragma once

// Copies of files and trees, and permission bits. Blocking.

#include "files/file_commands.hpp"

namespace holt::files {

struct copy_request {
  std::string from;
  std::string to;
  bool overwrite = false;
};

struct copy_done {
  std::string from; ///< as answers name them
  std::string to;
  bool replaced = false;
};

/// Under a name of ours first, then renamed: nobody sees half of it. Links are copied as links.
/// exists; conflict for a folder that is not empty; invalid_request for a folder into itself.
result<copy_done> copy_entry(const file_context& context, const copy_request& want);

struct mode_done {
  std::string shown;
  std::size_t changed = 0;
  std::size_t failed = 0; ///< below it
};

/// A link is followed at the end of `path`, and never below it. `recursive`: everything below, the
/// folders last.
result<mode_done> change_mode(const file_context& context, std::string_view path, unsigned mode,
                              bool recursive);

} // namespace holt::files
