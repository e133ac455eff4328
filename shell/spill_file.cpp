// SPDX-License-Identifier: Apache-2.0

#include "shell/spill_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

namespace holt::shell {

files::unique_fd open_unnamed(const std::string& dir) {
  if (dir.empty())
    return {};
  const int fd = ::open(dir.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
    return files::unique_fd{fd};
  // A file system without O_TMPFILE (NFS, overlayfs of old kernels).
  auto name = dir + "/.holt-XXXXXX";
  files::unique_fd named{::mkostemp(name.data(), O_CLOEXEC)};
  if (named)
    ::unlink(name.c_str());
  return named;
}

void spill_file::append(std::string_view bytes) {
  if (ended_ || dir_.empty())
    return;
  if (!fd_)
    fd_ = open_unnamed(dir_);
  if (!fd_) {
    ended_ = true;
    return;
  }
  auto left = bytes.substr(
    0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), cap_ - size_)));
  while (!left.empty()) {
    const auto n = ::pwrite(fd_.get(), left.data(), left.size(), static_cast<off_t>(size_));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    size_ += static_cast<std::uint64_t>(n);
    left.remove_prefix(static_cast<std::size_t>(n));
  }
  ended_ = !left.empty() || size_ == cap_;
}

result<std::string> spill_file::read(std::uint64_t off, std::size_t len) const {
  std::string out;
  if (!fd_ || off >= size_)
    return out;
  out.resize(static_cast<std::size_t>(std::min<std::uint64_t>(len, size_ - off)));
  std::size_t have = 0;
  while (have < out.size()) {
    const auto n
      = ::pread(fd_.get(), out.data() + have, out.size() - have, static_cast<off_t>(off + have));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return error{errc::io, "The stored output cannot be read."};
    have += static_cast<std::size_t>(n);
  }
  return out;
}

} // namespace holt::shell
