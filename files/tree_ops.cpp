// SPDX-License-Identifier: Apache-2.0
#include "files/tree_ops.hpp"

#include "files/folder.hpp"
#include "files/replacement.hpp"

#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <climits>
#include <dirent.h>
#include <fcntl.h>
#include <limits>
#include <memory>
#include <unistd.h>

namespace holt::files {

namespace {

constexpr int max_depth = 100; ///< descriptors held by one removal
constexpr std::size_t names_at_once = 4096;

/// The next names of a folder, not all of them: it may have millions.
std::vector<std::string> some_names(int folder) {
  std::vector<std::string> out;
  unique_fd own{::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  std::unique_ptr<DIR, int (*)(DIR*)> all{::fdopendir(own.get()), ::closedir};
  if (!all)
    return out;
  own.release();
  const auto* one = ::readdir(all.get());
  for (; one != nullptr && out.size() < names_at_once; one = ::readdir(all.get())) {
    std::string_view name = one->d_name;
    if (name != "." && name != "..")
      out.emplace_back(name);
  }
  return out;
}

class remover {
public:
  explicit remover(int top) : top_{top} {}

  int remove(const std::string& name) {
    struct stat now {};
    if (::fstatat(top_, name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0)
      return errno == ENOENT ? 0 : errno;
    device_ = now.st_dev;
    remove_in(top_, name, 0);
    while (!moved_up_.empty()) { // deep folders, brought to the top
      auto next = std::move(moved_up_.back());
      moved_up_.pop_back();
      remove_in(top_, next, 0);
    }
    return first_error_;
  }

private:
  bool keep(int number) {
    if (number != 0 && number != ENOENT && first_error_ == 0)
      first_error_ = number;
    return number == 0 || number == ENOENT;
  }

  bool remove_in(int folder, const std::string& name, int depth) {
    if (::unlinkat(folder, name.c_str(), 0) == 0)
      return true;
    if (errno != EISDIR && errno != EPERM) // EPERM: POSIX's word for a folder
      return keep(errno);
    if (::unlinkat(folder, name.c_str(), AT_REMOVEDIR) == 0)
      return true;
    if (errno != ENOTEMPTY && errno != EEXIST)
      return keep(errno == ENOTDIR ? EPERM : errno);
    if (depth == max_depth) {
      auto up = temporary_name();
      if (::renameat(folder, name.c_str(), top_, up.c_str()) != 0)
        return keep(errno);
      moved_up_.push_back(std::move(up));
      return true;
    }
    unique_fd own{::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!own)
      return keep(errno);
    struct stat now {};
    if (::fstat(own.get(), &now) != 0 || now.st_dev != device_)
      return keep(EBUSY); // something is mounted there
    if (!empty(own.get(), depth))
      return false;
    return keep(::unlinkat(folder, name.c_str(), AT_REMOVEDIR) == 0 ? 0 : errno);
  }

  bool empty(int folder, int depth) {
    while (true) {
      auto names = some_names(folder);
      if (names.empty())
        return true;
      bool progress = false;
      bool all = true;
      for (const auto& name : names) {
        bool gone = remove_in(folder, name, depth + 1);
        progress = progress || gone;
        all = all && gone;
      }
      if (!all && (!progress || names.size() < names_at_once))
        return false;
    }
  }

  int top_;
  dev_t device_ = 0;
  int first_error_ = 0;
  std::vector<std::string> moved_up_;
};

class copier {
public:
  copier(const file_context& context, std::string_view shown) : context_{context}, shown_{shown} {}

  result<void> copy(int from_folder, const std::string& from, int to_folder, const std::string& to,
                    int depth) {
    if (is_cancelled(context_))
      return cancelled_error();
    if (depth > max_depth)
      return error{errc::unsupported, printable(shown_) + ": too deep to be moved to another disk"};
    auto look = look_at(from_folder, from, shown_);
    if (!look)
      return look.error();
    switch (look->type) {
    case entry_type::file: return copy_file(from_folder, from, to_folder, to);
    case entry_type::directory: return copy_folder(from_folder, from, to_folder, to, *look, depth);
    case entry_type::symlink: return copy_link(from_folder, from, to_folder, to, *look);
    case entry_type::absent: return from_errno(ENOENT, shown_);
    case entry_type::other: break;
    }
    return from_errno(ENXIO, shown_);
  }

private:
  result<void> copy_file(int from_folder, const std::string& from, int to_folder,
                         const std::string& to) {
    auto file = open_regular(from_folder, from, shown_);
    if (!file)
      return file.error();
    unique_fd out{
      ::openat(to_folder, to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!out)
      return from_errno(errno, shown_);
    ::flock(out.get(), LOCK_EX | LOCK_NB); // see replacement
    int failed = 0;
    auto read = read_pieces(context_, file->fd.get(), shown_, 0,
                            std::numeric_limits<std::int64_t>::max(), [&](std::string_view piece) {
                              failed = write_all(out.get(), piece);
                              return failed == 0;
                            });
    if (!read)
      return read;
    if (failed == 0)
      failed = fault(context_, "fsync");
    if (failed == 0 && ::fsync(out.get()) != 0)
      failed = errno;
    if (failed != 0)
      return from_errno(failed, shown_);
    copy_attributes(file->fd.get(), out.get());
    return take_over(out.get(), file->look);
  }

  int write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      if (int failed = fault(context_, "write"); failed != 0)
        return failed;
      auto got = ::write(fd, bytes.data(), bytes.size());
      if (got < 0 && errno != EINTR)
        return errno;
      if (got > 0)
        bytes.remove_prefix(static_cast<std::size_t>(got));
    }
    return 0;
  }

  /// Owner first: it clears set-user-id.
  result<void> take_over(int fd, const entry_look& look) {
    if (::fchown(fd, look.uid, look.gid) != 0 && errno != EPERM)
      return from_errno(errno, shown_);
    struct stat now {};
    if (::fstat(fd, &now) != 0)
      return from_errno(errno, shown_);
    const bool same_owner = now.st_uid == look.uid && now.st_gid == look.gid;
    if (::fchmod(fd, same_owner ? look.mode : look.mode & 01777u) != 0)
      return from_errno(errno, shown_);
    const std::array<timespec, 2> times{
      timespec{0, UTIME_OMIT},
      timespec{look.modified_ns / 1'000'000'000, look.modified_ns % 1'000'000'000}};
    return ::futimens(fd, times.data()) == 0 ? result<void>{} : from_errno(errno, shown_);
  }

  result<void> copy_folder(int from_folder, const std::string& from, int to_folder,
                           const std::string& to, const entry_look& look, int depth) {
    auto source = open_folder(from_folder, from, shown_);
    if (!source)
      return source.error();
    if (::mkdirat(to_folder, to.c_str(), 0700) != 0)
      return from_errno(errno, shown_);
    unique_fd made{
      ::openat(to_folder, to.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!made)
      return from_errno(errno, shown_);
    ::flock(made.get(), LOCK_EX | LOCK_NB);
    auto names = entries_in(context_, source->fd.get(), shown_, true);
    if (!names)
      return names.error();
    for (const auto& [name, type] : *names)
      if (auto good = copy(source->fd.get(), name, made.get(), name, depth + 1); !good)
        return good;
    copy_attributes(source->fd.get(), made.get());
    return take_over(made.get(), look);
  }

  result<void> copy_link(int from_folder, const std::string& from, int to_folder,
                         const std::string& to, const entry_look& look) {
    std::array<char, PATH_MAX> text{};
    auto size = ::readlinkat(from_folder, from.c_str(), text.data(), text.size() - 1);
    if (size < 0 || ::symlinkat(text.data(), to_folder, to.c_str()) != 0)
      return from_errno(errno, shown_);
    if (::fchownat(to_folder, to.c_str(), look.uid, look.gid, AT_SYMLINK_NOFOLLOW) != 0
        && errno != EPERM)
      return from_errno(errno, shown_);
    return {};
  }

  const file_context& context_;
  std::string shown_;
};

} // namespace

int remove_tree(int folder, const std::string& name) {
  return remover{folder}.remove(name);
}

result<void> copy_tree(const file_context& context, int from_folder, const std::string& from,
                       int to_folder, const std::string& to, std::string_view shown) {
  auto good = copier{context, shown}.copy(from_folder, from, to_folder, to, 0);
  if (!good)
    remove_tree(to_folder, to);
  return good;
}

} // namespace holt::files
