// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whole trees: removed and copied, by descriptors and names of one component only, links never
// followed, no other file system entered. Depth costs neither stack nor descriptors without bound.

#include "files/content.hpp"

#include <string>
#include <string_view>

namespace holt::files {

/// Removes `name` in `folder`, whatever it is; goes on behind what cannot be removed and answers
/// the first errno, 0 for none. Missing is 0.
int remove_tree(int folder, const std::string& name);

/// Copies `from` to `to`, which must not exist: files with mode, times, owner and attributes,
/// folders, links. `unsupported` for devices and the like. What was made is removed when it fails.
result<void> copy_tree(const file_context& context, int from_folder, const std::string& from,
                       int to_folder, const std::string& to, std::string_view shown);

} // namespace holt::files
