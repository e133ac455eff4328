// SPDX-License-Identifier: Apache-2.0
#include "files/replacement.hpp"

#include "files/owner.hpp"
#include "transport/secret.hpp"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <linux/fs.h>
#include <unistd.h>
#include <utility>

namespace holt::files {

namespace {

constexpr std::string_view temporary_prefix = ".holt-";
constexpr std::size_t temporary_digits = 16;
constexpr off_t write_behind = 16 * 1024 * 1024;
constexpr std::size_t max_attribute_bytes = 64 * 1024;

std::array<std::mutex, 64> entry_locks;

std::size_t lock_of(const path_jail::slot& slot) {
  struct stat now {};
  ::fstat(slot.folder.get(), &now);
  auto hash = std::hash<std::string>{}(slot.name);
  return (hash ^ (static_cast<std::size_t>(now.st_ino) * 0x9e3779b97f4a7c15u)) % entry_locks.size();
}

/// ACLs and what users attached; labels and capabilities are for the kernel to give.
bool is_kept(std::string_view attribute) {
  return attribute.starts_with("user.") || attribute == "system.posix_acl_access";
}

} // namespace

void copy_attributes(int from, int to) {
  std::array<char, 4096> names{};
  auto size = ::flistxattr(from, names.data(), names.size());
  if (size <= 0)
    return;
  std::string_view rest{names.data(), static_cast<std::size_t>(size)};
  std::string value;
  while (!rest.empty()) {
    const std::string name{rest.substr(0, rest.find('\0'))};
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    if (!is_kept(name))
      continue;
    value.resize(max_attribute_bytes);
    auto got = ::fgetxattr(from, name.c_str(), value.data(), value.size());
    if (got >= 0
        && ::fsetxattr(to, name.c_str(), value.data(), static_cast<std::size_t>(got), 0) != 0)
      continue; // the file system may not take it
  }
}

std::string temporary_name() {
  return std::string{temporary_prefix} + random_hex(temporary_digits / 2);
}

bool is_temporary_name(std::string_view name) noexcept {
  return name.size() == temporary_prefix.size() + temporary_digits
         && name.starts_with(temporary_prefix)
         && name.find_first_not_of("0123456789abcdef", temporary_prefix.size())
              == std::string_view::npos;
}

entry_lock::entry_lock(const path_jail::slot& one) : first_{entry_locks[lock_of(one)]} {}

entry_lock::entry_lock(const path_jail::slot& one, const path_jail::slot& other) {
  auto a = lock_of(one);
  auto b = lock_of(other);
  first_ = std::unique_lock{entry_locks[std::min(a, b)]};
  if (a != b)
    second_ = std::unique_lock{entry_locks[std::max(a, b)]};
}

result<replacement> replacement::begin(const file_context& context, const path_jail::slot& slot,
                                       const std::string& temporary, const entry_look& old,
                                       std::optional<unsigned> mode, std::string_view shown) {
  replacement out;
  out.context_ = &context;
  out.slot_ = &slot;
  out.shown_ = shown;
  const int folder = slot.folder.get();
  // A file that replaces another shows nothing to anybody before it has the other's mode.
  const mode_t first_mode = old.exists() || mode ? 0600 : 0666;
  if (int failed = fault(context, "open"); failed != 0)
    return from_errno(failed, shown);
  out.file_ = unique_fd{::openat(folder, temporary.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, first_mode)};
  if (!out.file_)
    return from_errno(errno, shown);
  out.temporary_ = temporary;
  const int file = out.file_.get();
  // The lock tells a sweep that somebody is at work. A sweep that was quicker has taken the name.
  struct stat now {};
  if (::flock(file, LOCK_EX | LOCK_NB) != 0 || ::fstat(file, &now) != 0 || now.st_nlink == 0)
    return error{errc::busy, printable(shown) + ": another daemon is cleaning up here"};
  if (old.exists()) {
    if ((now.st_uid != old.uid || now.st_gid != old.gid) && ::fchown(file, old.uid, old.gid) != 0
        && ::fchown(file, static_cast<uid_t>(-1), old.gid) != 0 && errno != EPERM)
      return from_errno(errno, shown);
    unique_fd before{::openat(folder, slot.name.c_str(),
                              O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC)};
    if (before)
      copy_attributes(before.get(), file);
  } else {
    adopt_owner(folder, file);
  }
  // As with any write, set-user-id does not survive.
  if ((old.exists() || mode) && ::fchmod(file, mode.value_or(old.mode & 01777u)) != 0)
    return from_errno(errno, shown);
  step(context, "temp_created");
  return out;
}

replacement::replacement(replacement&& other) noexcept
  : context_{other.context_},
    slot_{other.slot_},
    temporary_{std::exchange(other.temporary_, {})},
    shown_{std::move(other.shown_)},
    file_{std::move(other.file_)},
    first_piece_{other.first_piece_} {}

replacement::~replacement() {
  if (!temporary_.empty())
    ::unlinkat(slot_->folder.get(), temporary_.c_str(), 0);
}

result<void> replacement::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (is_cancelled(*context_))
      return cancelled_error();
    if (int failed = fault(*context_, "write"); failed != 0)
      return from_errno(failed, shown_);
    auto size = std::min(bytes.size(), read_piece);
    if (first_piece_)
      size = (size + 1) / 2; // so that `temp_half` is half a file
    auto got = ::write(file_.get(), bytes.data(), size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return from_errno(errno, shown_);
    bytes.remove_prefix(static_cast<std::size_t>(got));
    // The disk starts now, so that the sync at the end of a large file has little left to wait for.
    const auto at = ::lseek(file_.get(), 0, SEEK_CUR);
    if (at / write_behind != (at - got) / write_behind)
      ::sync_file_range(file_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
    if (std::exchange(first_piece_, false))
      step(*context_, "temp_half");
  }
  return {};
}

result<void> replacement::copy_from(int fd) {
  result<void> wrote;
  auto read = read_pieces(*context_, fd, shown_, 0, std::numeric_limits<std::int64_t>::max(),
                          [&](std::string_view piece) {
                            wrote = write(piece);
                            return wrote.has_value();
                          });
  return read ? wrote : read;
}

result<void> replacement::sync() {
  step(*context_, "temp_written");
  int failed = fault(*context_, "fsync");
  if (failed == 0 && ::fsync(file_.get()) != 0)
    failed = errno;
  if (failed != 0)
    return from_errno(failed, shown_);
  step(*context_, "temp_synced");
  return {};
}

void replacement::set_modified(std::int64_t seconds, long nanoseconds) noexcept {
  const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, timespec{seconds, nanoseconds}};
  ::futimens(file_.get(), times.data()); // where it is not to be had, it is now
}

result<void> replacement::commit(bool fresh) {
  return commit_at(*slot_, fresh, true);
}

result<void> replacement::commit_at(const path_jail::slot& target, bool fresh, bool durable) {
  if (is_cancelled(*context_))
    return cancelled_error();
  const int from = slot_->folder.get();
  const int folder = target.folder.get();
  int failed = fault(*context_, "rename");
  if (failed == 0 && fresh)
    failed = rename_fresh(from, temporary_, folder, target.name);
  else if (failed == 0 && ::renameat(from, temporary_.c_str(), folder, target.name.c_str()) != 0)
    failed = errno;
  if (failed != 0)
    return from_errno(failed, shown_);
  temporary_.clear();
  step(*context_, "renamed");
  if (durable)
    sync_folder(folder);
  step(*context_, "folder_synced");
  return {};
}

void sync_folder(int path_fd) noexcept {
  unique_fd folder{::openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder && ::fsync(folder.get()) != 0)
    return;
}

int rename_fresh(int from_folder, const std::string& from, int to_folder, const std::string& to) {
  if (::renameat2(from_folder, from.c_str(), to_folder, to.c_str(), RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return errno;
  // Not on this file system: a link replaces nothing either. Folders have none.
  if (::linkat(from_folder, from.c_str(), to_folder, to.c_str(), 0) == 0) {
    ::unlinkat(from_folder, from.c_str(), 0);
    return 0;
  }
  if (errno != EPERM && errno != EOPNOTSUPP)
    return errno;
  struct stat there {};
  if (::fstatat(to_folder, to.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0)
    return EEXIST;
  return ::renameat(from_folder, from.c_str(), to_folder, to.c_str()) == 0 ? 0 : errno;
}

} // namespace holt::files
