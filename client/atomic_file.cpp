// SPDX-License-Identifier: Apache-2.0
#include "client/atomic_file.hpp"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace holt::client {

namespace {

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

/// Where a link leads, also to where nothing is yet.
std::string followed(const std::string& path) {
  auto at = path;
  for (int i = 0; i < 40; ++i) {
    char text[PATH_MAX];
    const auto n = ::readlink(at.c_str(), text, sizeof text);
    if (n <= 0 || n == static_cast<ssize_t>(sizeof text))
      return at;
    const std::string leads{text, static_cast<std::size_t>(n)};
    at = leads.front() == '/' ? leads : folder_of(at) + "/" + leads;
  }
  return at;
}

mode_t usual_mode() {
  const auto mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

} // namespace

error local_error(int number, const std::string& path) {
  const auto code = [number] {
    switch (number) {
    case ENOENT: return errc::not_found;
    case EACCES:
    case EPERM: return errc::denied;
    case EISDIR: return errc::is_directory;
    case ENOTDIR: return errc::not_directory;
    case EEXIST: return errc::exists;
    case ENOSPC:
    case EDQUOT: return errc::no_space;
    case EROFS: return errc::read_only;
    default: return errc::io;
    }
  }();
  return {code, path + ": " + std::strerror(number)};
}

result<void> write_all(int fd, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const auto put = ::write(fd, bytes.data(), bytes.size());
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) { // somebody else made it non-blocking
      pollfd one{fd, POLLOUT, 0};
      ::poll(&one, 1, -1);
    } else if (errno != EINTR) {
      return local_error(errno, name);
    }
  }
  return {};
}

result<atomic_file> atomic_file::open(const std::string& path, std::optional<mode_t> mode) {
  auto target = followed(path);
  struct stat there = {};
  const bool exists = ::stat(target.c_str(), &there) == 0;
  if (exists && S_ISDIR(there.st_mode))
    return local_error(EISDIR, path);
  if (exists && !S_ISREG(there.st_mode)) {
    const int fd = ::open(target.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
      return local_error(errno, path);
    return atomic_file{fd, "", target};
  }
  if (exists && ::access(target.c_str(), W_OK) != 0)
    return local_error(errno, path);
  auto temporary = folder_of(target) + "/.holt-XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0)
    return local_error(errno, path);
  ::fchmod(fd, mode ? *mode & 07777u : exists ? there.st_mode & 07777u : usual_mode());
  return atomic_file{fd, std::move(temporary), std::move(target)};
}

atomic_file::atomic_file(atomic_file&& other) noexcept
  : fd_{std::exchange(other.fd_, -1)},
    temporary_{std::exchange(other.temporary_, {})},
    target_{std::move(other.target_)} {}

atomic_file::~atomic_file() {
  if (fd_ >= 0)
    ::close(fd_);
  if (!temporary_.empty())
    ::unlink(temporary_.c_str());
}

result<void> atomic_file::write(std::string_view bytes) {
  return write_all(fd_, bytes, target_);
}

result<void> atomic_file::commit(bool durable) {
  if (durable && ::fsync(fd_) != 0 && errno != EINVAL && errno != EROFS)
    return local_error(errno, target_);
  if (::close(std::exchange(fd_, -1)) != 0)
    return local_error(errno, target_);
  if (temporary_.empty())
    return {};
  if (::rename(temporary_.c_str(), target_.c_str()) != 0)
    return local_error(errno, target_);
  temporary_.clear();
  return {};
}

} // namespace holt::client
