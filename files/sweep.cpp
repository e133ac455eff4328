// SPDX-License-Identifier: Apache-2.0

// What a crash left: temporary files and folders whose lock nobody holds, and old uploads.

#include "files/file_commands.hpp"
#include "files/folder.hpp"
#include "files/replacement.hpp"
#include "files/tree_ops.hpp"
#include "files/uploads.hpp"

#include <sys/file.h>

#include <chrono>
#include <fcntl.h>

namespace holt::files {

namespace {

constexpr std::int64_t old_ns = 3'600'000'000'000; ///< for what cannot be locked

/// Unless its maker lives: he holds a lock on it.
bool remove_left_over(int folder, const folder_entry& entry) {
  if (entry.type == entry_type::file || entry.type == entry_type::directory) {
    unique_fd fd{::openat(folder, entry.name.c_str(),
                          O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC)};
    if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
      return false;
    // Under the lock: from here on its maker, just born, would find it gone and say so.
    return remove_tree(folder, entry.name) == 0;
  }
  auto look = look_at(folder, entry.name, entry.name);
  const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                     std::chrono::system_clock::now().time_since_epoch())
                     .count();
  return look && look->exists() && look->changed_ns + old_ns < now
         && remove_tree(folder, entry.name) == 0;
}

} // namespace

std::size_t sweep_leftovers(const file_context& context, const std::vector<std::string>& folders) {
  auto removed = sweep_uploads(context);
  for (const auto& path : folders) {
    auto where = context.jail->locate(path);
    auto folder
      = where ? open_folder(*context.jail, *where) : result<open_folder_result>{where.error()};
    if (!folder)
      continue;
    auto entries = entries_in(context, folder->fd.get(), path, true);
    if (!entries)
      continue;
    for (const auto& entry : *entries)
      if (is_temporary_name(entry.name) && remove_left_over(folder->fd.get(), entry))
        ++removed;
  }
  return removed;
}

} // namespace holt::files
