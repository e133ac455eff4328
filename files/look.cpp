// SPDX-License-Identifier: Apache-2.0
#include "files/look.hpp"

#include "messages/command.hpp"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace holt::files {

namespace {

std::int64_t to_ns(const statx_timestamp& at) noexcept {
  return at.tv_sec * 1'000'000'000 + at.tv_nsec;
}

entry_type type_of(unsigned mode) noexcept {
  switch (mode & S_IFMT) {
  case S_IFREG: return entry_type::file;
  case S_IFDIR: return entry_type::directory;
  case S_IFLNK: return entry_type::symlink;
  default: return entry_type::other;
  }
}

/// 0 or an errno.
int look(int folder, const char* name, int flags, entry_look& out) noexcept {
  struct statx now {};
  if (::statx(folder, name, flags | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
              STATX_BASIC_STATS | STATX_BTIME, &now)
      != 0)
    return errno;
  out.type = type_of(now.stx_mode);
  out.device = static_cast<std::uint64_t>(now.stx_dev_major) << 32 | now.stx_dev_minor;
  out.inode = now.stx_ino;
  out.size = now.stx_size;
  out.mode = now.stx_mode & 07777u;
  out.uid = now.stx_uid;
  out.gid = now.stx_gid;
  out.modified_ns = to_ns(now.stx_mtime);
  out.changed_ns = to_ns(now.stx_ctime);
  out.born_ns = (now.stx_mask & STATX_BTIME) != 0 ? to_ns(now.stx_btime) : 0;
  return 0;
}

int may(int path_fd, int what) noexcept {
  // The C library knows no AT_EMPTY_PATH here; before Linux 5.8 the name in /proc does.
  if (::syscall(SYS_faccessat2, path_fd, "", what, AT_EMPTY_PATH | AT_EACCESS) == 0)
    return 0;
  if (errno != ENOSYS && errno != EPERM)
    return errno;
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "/proc/self/fd/%d", path_fd);
  return ::faccessat(AT_FDCWD, name.data(), what, AT_EACCESS) == 0 ? 0 : errno;
}

} // namespace

std::string_view to_string(entry_type type) noexcept {
  constexpr std::array<std::string_view, 5> names{"absent", "file", "directory", "symlink",
                                                  "other"};
  return names[static_cast<std::size_t>(type)];
}

result<entry_look> look_at(int folder, const std::string& name, std::string_view shown) {
  entry_look out;
  if (int failed = look(folder, name.c_str(), 0, out); failed != 0 && failed != ENOENT)
    return from_errno(failed, shown);
  return out;
}

result<entry_look> look_at(int fd, std::string_view shown) {
  entry_look out;
  if (int failed = look(fd, "", AT_EMPTY_PATH, out); failed != 0)
    return from_errno(failed, shown);
  return out;
}

bool same_thing(const entry_look& a, const entry_look& b) noexcept {
  if (a.type != b.type || a.inode != b.inode)
    return false;
  if (!a.exists())
    return true;
  // Inode numbers are given again at once; the birth tells the lives apart.
  if (a.born_ns != 0 && b.born_ns != 0)
    return a.born_ns == b.born_ns;
  return a.type == entry_type::directory || (a.size == b.size && a.modified_ns == b.modified_ns);
}

bool untouched(const entry_look& a, const entry_look& b) noexcept {
  return same_thing(a, b) && a.size == b.size && a.modified_ns == b.modified_ns
         && a.changed_ns == b.changed_ns;
}

nlohmann::json to_plan(const entry_look& what) {
  if (!what.exists())
    return nullptr;
  // Without the device: its number may change when the daemon is started again.
  return {
    {"type", to_string(what.type)},    {"inode", what.inode},           {"size", what.size},
    {"modified_ns", what.modified_ns}, {"changed_ns", what.changed_ns}, {"born_ns", what.born_ns}};
}

entry_look look_from_plan(const nlohmann::json& plan) {
  entry_look out;
  if (!plan.is_object())
    return out;
  auto type = plan.value("type", std::string{});
  for (auto one : {entry_type::file, entry_type::directory, entry_type::symlink, entry_type::other})
    if (to_string(one) == type)
      out.type = one;
  out.inode = plan.value("inode", std::uint64_t{0});
  out.size = plan.value("size", std::uint64_t{0});
  out.modified_ns = plan.value("modified_ns", std::int64_t{0});
  out.changed_ns = plan.value("changed_ns", std::int64_t{0});
  out.born_ns = plan.value("born_ns", std::int64_t{0});
  return out;
}

int may_read(int path_fd, const entry_look& what) noexcept {
  return (what.mode & 0444u) != 0 ? may(path_fd, R_OK) : EACCES;
}

int may_write(int path_fd, const entry_look& what) noexcept {
  return (what.mode & 0222u) != 0 ? may(path_fd, W_OK) : EACCES;
}

void put_path(nlohmann::json& into, std::string_view field, std::string_view path) {
  if (is_utf8(path)) {
    into[std::string{field}] = path;
    return;
  }
  into[std::string{field}] = to_base64(path);
  into[std::string{field} + "_encoding"] = "base64";
}

nlohmann::json entry_json(std::string_view name, std::string_view path, const entry_look& what) {
  std::array<char, 8> mode{};
  std::snprintf(mode.data(), mode.size(), "%04o", what.mode & 07777u);
  nlohmann::json out = nlohmann::json::object();
  put_path(out, "name", name);
  put_path(out, "path", path);
  out["type"] = to_string(what.type);
  out["size"] = what.size;
  out["modified_ms"] = what.modified_ns / 1'000'000;
  out["mode"] = mode.data();
  return out;
}

} // namespace holt::files
