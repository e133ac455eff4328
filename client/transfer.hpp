// SPDX-License-Identifier: Apache-2.0
#pragma once

// Files and folders between this machine and the sandbox, as streams: memory does not grow with
// them. What is broken off leaves nothing at its target. Blocking; one thread; `cancelled` when the
// api's wake_fd becomes readable.

#include "client/api.hpp"
#include "client/progress.hpp"

#include <functional>
#include <string>
#include <sys/types.h>

namespace holt::client {

constexpr std::size_t transfer_piece = 256 * 1024; ///< bytes

/// A descriptor to a file of the sandbox, which is replaced as a whole. `size`: exactly so many
/// bytes; nothing: to its end.
result<void> send_file(const api& to, int fd, const std::string& name,
                       std::optional<std::uint64_t> size, const std::string& path,
                       std::optional<mode_t> mode, progress& how_far);

/// What a GET answers, piece by piece.
result<void> receive(const api& from, const std::string& target,
                     const std::function<result<void>(std::string_view)>& take, progress& how_far);

/// A folder of this machine, packed on the way, unpacked below `path` (which is made) once all of
/// it is there. `left_out`: what could not be read, one call each.
result<void> send_folder(const api& to, const std::string& folder, const std::string& path,
                         progress& how_far,
                         const std::function<void(const std::string&)>& left_out);

/// A folder of the sandbox into one of this machine that exists; each file is replaced at once,
/// nothing is written through a link. Changes the process's current folder meanwhile. What cannot
/// be read there is left out with `skip_unreadable`, else the whole is denied.
result<void> receive_folder(const api& from, const std::string& path, const std::string& folder,
                            progress& how_far, bool skip_unreadable);

/// The route of a folder as a tar.
std::string archive_route(const std::string& path, bool skip_unreadable);
/// Denied by that route because something below cannot be read; its detail says what.
bool lacks_something(const error& why);

} // namespace holt::client
