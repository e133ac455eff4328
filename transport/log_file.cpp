// SPDX-License-Identifier: Apache-2.0

#include "transport/log_file.hpp"

#include "transport/state_dir.hpp"

#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace holt {

log_file::log_file(std::string path, std::uint64_t max_bytes, unsigned keep) noexcept
  : path_(std::move(path)), max_bytes_(max_bytes), keep_(keep) {}

log_file::~log_file() {
  if (fd_ >= 0)
    ::close(fd_);
}

namespace {
std::atomic<std::uint64_t> reopenings{0};
} // namespace

result<void> log_file::open() {
  opened_ = reopenings;
  const int fd = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
  if (fd < 0)
    return file_error(errno, "Cannot open the log file", path_);
  if (fd_ >= 0)
    ::close(fd_);
  fd_ = fd;
  struct stat now {};
  size_ = ::fstat(fd_, &now) == 0 ? static_cast<std::uint64_t>(now.st_size) : 0;
  return {};
}

void log_file::reopen_all() noexcept {
  ++reopenings;
}

void log_file::rotate() noexcept {
  try {
    for (unsigned i = keep_; i > 0; --i) {
      const auto from = i == 1 ? path_ : path_ + "." + std::to_string(i - 1);
      const auto to = path_ + "." + std::to_string(i);
      std::rename(from.c_str(), to.c_str()); // a missing one is no fault
    }
    if (keep_ == 0)
      ::unlink(path_.c_str());
    if (!open())
      ++failed_; // goes on in the old file
  } catch (...) {
    ++failed_;
  }
}

void log_file::write(std::string_view bytes) noexcept {
  if (fd_ < 0 || bytes.empty())
    return;
  if (opened_ != reopenings) {
    try {
      if (!open())
        ++failed_;
    } catch (...) {
      ++failed_;
    }
  }
  if (size_ > 0 && size_ + bytes.size() > max_bytes_)
    rotate();
  while (!bytes.empty()) {
    const auto n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      ++failed_;
      return;
    }
    size_ += static_cast<std::uint64_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

} // namespace holt
