// SPDX-License-Identifier: Apache-2.0
#include "files/owner.hpp"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

namespace holt::files {

namespace {

bool foreign_owner(int folder, struct stat& whose) noexcept {
  return ::geteuid() == 0 && ::fstat(folder, &whose) == 0
         && (whose.st_uid != 0 || whose.st_gid != 0);
}

} // namespace

void adopt_owner(int folder, const std::string& name) noexcept {
  struct stat whose {};
  if (!foreign_owner(folder, whose))
    return;
  // By descriptor: whoever owns the folder may have put something else under the name.
  const int own = ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (own < 0)
    return;
  if (::fchown(own, whose.st_uid, whose.st_gid) != 0) {
    // stays root's
  }
  ::close(own);
}

void adopt_owner(int folder, int file) noexcept {
  struct stat whose {};
  if (foreign_owner(folder, whose) && ::fchown(file, whose.st_uid, whose.st_gid) != 0)
    return;
}

} // namespace holt::files
