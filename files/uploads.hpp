// SPDX-License-Identifier: Apache-2.0
#pragma once

// Pieces of large files on their way up (fs.put), kept outside the roots until a write commits
// them. One file an upload, named by the hash of its agent and its id; swept after an hour without
// a piece. Private to files/.

#include "files/content.hpp"

namespace holt::files {

/// not_found: no piece of it has come, or it was swept. unsupported: no folder is configured.
result<open_file> open_upload(const file_context& context, const command& what,
                              std::string_view upload);
void remove_upload(const file_context& context, const command& what, std::string_view upload);
/// Those older than an hour; answers how many.
std::size_t sweep_uploads(const file_context& context);

} // namespace holt::files
