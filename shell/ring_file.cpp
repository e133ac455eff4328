// SPDX-License-Identifier: Apache-2.0

#include "shell/ring_file.hpp"

#include "shell/spill_file.hpp"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

namespace holt::shell {

bool ring_file::write(std::uint64_t off, std::string_view bytes) {
  if (!failed_ && !fd_ && capacity_ > 0)
    fd_ = open_unnamed(dir_);
  if (failed_ || !fd_) {
    failed_ = true;
    return false;
  }
  end_ = off + bytes.size();
  if (bytes.size() > capacity_) { // only the end of it stays
    off += bytes.size() - capacity_;
    bytes.remove_prefix(bytes.size() - static_cast<std::size_t>(capacity_));
  }
  while (!bytes.empty()) {
    const auto at = off % capacity_;
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), capacity_ - at));
    const auto wrote = ::pwrite(fd_.get(), bytes.data(), n, static_cast<off_t>(at));
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote <= 0) {
      failed_ = true;
      fd_ = {};
      return false;
    }
    off += static_cast<std::uint64_t>(wrote);
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

bool ring_file::read(std::uint64_t off, std::size_t len, std::string& into) const {
  if (failed_ || !fd_ || off < first() || off + len > end_)
    return false;
  into.resize(len);
  std::size_t have = 0;
  while (have < len) {
    const auto at = (off + have) % capacity_;
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(len - have, capacity_ - at));
    const auto got = ::pread(fd_.get(), into.data() + have, n, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    have += static_cast<std::size_t>(got);
  }
  return true;
}

} // namespace holt::shell
