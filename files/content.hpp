// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reading of bytes: opens regular files only, in pieces, with an eye on the cancel flag.

#include "files/file_commands.hpp"
#include "files/look.hpp"
#include "transport/digest.hpp"

#include <functional>

namespace holt::files {

constexpr std::size_t read_piece = 1024 * 1024; ///< bytes between two looks at the cancel flag

/// 64 hex digits of either case, as lower case; empty: it is none.
std::string hash_text(std::string_view text);

bool is_cancelled(const file_context& context) noexcept;
error cancelled_error();
void step(const file_context& context, std::string_view name);
/// The errno that a test wants `call` to fail with; 0: none.
int fault(const file_context& context, std::string_view call);

struct open_file {
  unique_fd fd;
  entry_look look;
};

/// For reading. is_directory; unsupported for what is neither file nor folder; denied.
result<open_file> open_regular(const path_jail& jail, const jailed_path& where);
/// A name in an open folder; a link there is not followed.
result<open_file> open_regular(int folder, const std::string& name, std::string_view shown);

/// Calls `take` for each piece from `off` on, until it answers false, `len` bytes or the end.
result<void> read_pieces(const file_context& context, int fd, std::string_view shown,
                         std::uint64_t off, std::uint64_t len,
                         const std::function<bool(std::string_view)>& take);

/// All of it. payload_too_large above `most` bytes.
result<std::string> read_whole(const file_context& context, const open_file& file,
                               std::string_view shown, std::uint64_t most);

result<std::string> hash_file(const file_context& context, int fd, std::string_view shown);

/// Bytes that `text` takes inside a JSON string, quotes not counted; of base64 when it is no UTF-8.
std::size_t json_size(std::string_view text);

/// Puts `bytes` as content into the answer: inline, or `large` with `bytes` and `sha256` when it is
/// above the limit.
void put_content(const file_context& context, command_outcome& into, std::string bytes,
                 bool base64);

} // namespace holt::files
