// SPDX-License-Identifier: Apache-2.0
#pragma once

// Resolves a path below the roots one component at a time, each with O_NOFOLLOW, symlinks read and
// followed here: what path_jail does where openat2 is not to be had, and where a link leads from
// one root into another, which openat2 refuses. It holds every folder on the way open, so `..`
// never asks the file system. Used by path_jail only; blocks on nothing but the disk.

#include "files/path_jail.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace holt::files {

struct walk_roots {
  const std::vector<std::string>& real; ///< absolute, without symlinks
  const std::vector<unique_fd>& fds;    ///< O_PATH
};

/// Where a walk ended: the folder and one name in it that is no symlink (it may be missing), `.`
/// for the folder itself.
struct walk_end {
  unique_fd folder;
  std::string name;
  bool only_folder = false; ///< the path ended in `/`
};

/// 0 or an errno. EXDEV: it leaves the roots. ELOOP: too many links, or one of the kernel's magic.
int walk(const walk_roots& roots, std::size_t root, std::string_view below, bool follow_last,
         walk_end& end);

/// Walks and opens. `flags` are whole; O_NOFOLLOW in them is about the last component.
int walk_open(const walk_roots& roots, std::size_t root, std::string_view below, int flags,
              unsigned mode, unique_fd& opened);

/// The root that holds the absolute `path`, the longest; `below` becomes the rest. False: none.
bool root_of(const std::vector<std::string>& roots, std::string_view path, std::size_t& root,
             std::string_view& below);

} // namespace holt::files
