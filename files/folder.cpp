// SPDX-License-Identifier: Apache-2.0
#include "files/folder.hpp"

#include "files/replacement.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

namespace holt::files {

namespace {

/// Names held at once: 10 million would be about a gigabyte.
constexpr std::size_t max_names = 2'000'000;

result<void> check_readable(int path_fd, std::string_view shown) {
  auto look = look_at(path_fd, shown);
  if (!look)
    return look.error();
  if (look->type == entry_type::symlink)
    return from_errno(ELOOP, shown);
  if (look->type != entry_type::directory)
    return from_errno(ENOTDIR, shown);
  if (int failed = may_read(path_fd, *look); failed != 0)
    return from_errno(failed, shown);
  return {};
}

result<open_folder_result> opened(unique_fd seen, std::string_view shown) {
  if (auto good = check_readable(seen.get(), shown); !good)
    return good.error();
  unique_fd fd{::openat(seen.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd)
    return from_errno(errno, shown);
  auto look = look_at(fd.get(), shown);
  if (!look)
    return look.error();
  return open_folder_result{std::move(fd), *look};
}

entry_type type_of(int folder, const dirent& one) {
  switch (one.d_type) {
  case DT_REG: return entry_type::file;
  case DT_DIR: return entry_type::directory;
  case DT_LNK: return entry_type::symlink;
  case DT_UNKNOWN: break; // some file systems do not say
  default: return entry_type::other;
  }
  auto look = look_at(folder, one.d_name, one.d_name);
  return look ? look->type : entry_type::absent;
}

} // namespace

result<open_folder_result> open_folder(const path_jail& jail, const jailed_path& where) {
  auto seen = jail.open_at(where, O_PATH);
  if (!seen)
    return seen.error();
  return opened(std::move(*seen), where.shown);
}

result<open_folder_result> open_folder(int folder, const std::string& name,
                                       std::string_view shown) {
  unique_fd seen{::openat(folder, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!seen)
    return from_errno(errno, shown);
  return opened(std::move(seen), shown);
}

result<std::vector<folder_entry>> entries_in(const file_context& context, int folder,
                                             std::string_view shown, bool with_temporary) {
  unique_fd own{::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!own)
    return from_errno(errno, shown);
  std::unique_ptr<DIR, int (*)(DIR*)> all{::fdopendir(own.get()), ::closedir};
  if (!all)
    return from_errno(errno, shown);
  own.release();
  std::vector<folder_entry> out;
  errno = 0;
  while (const auto* one = ::readdir(all.get())) {
    std::string_view name = one->d_name;
    if (name == "." || name == ".." || (!with_temporary && is_temporary_name(name)))
      continue;
    if (out.size() == max_names)
      return error{errc::payload_too_large, printable(shown) + ": more than 2,000,000 entries"};
    out.push_back({std::string{name}, type_of(folder, *one)});
    if (out.size() % 1024 == 0 && is_cancelled(context))
      return cancelled_error();
    errno = 0;
  }
  if (errno != 0)
    return from_errno(errno, shown);
  std::sort(out.begin(), out.end());
  return out;
}

std::string below(std::string_view folder, std::string_view name) {
  std::string out{folder};
  if (!out.ends_with('/'))
    out += '/';
  out += name;
  return out;
}

} // namespace holt::files
