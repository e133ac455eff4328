// SPDX-License-Identifier: Apache-2.0
#include "files/uploads.hpp"

#include "files/commands.hpp"
#include "files/fields.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

namespace holt::files {

namespace {

constexpr std::size_t max_piece = 512 * 1024;
constexpr std::size_t max_uploads = 256; ///< in the folder at once
constexpr std::chrono::seconds max_age{3600};
constexpr std::string_view prefix = "upload-";

std::string file_of(const command& what, std::string_view upload) {
  std::string key = what.src;
  key += '\0';
  key += upload;
  return std::string{prefix} + sha256_hex(key).substr(0, 32);
}

result<unique_fd> open_folder(const file_context& context) {
  if (context.upload_dir.empty())
    return error{errc::unsupported, "uploads are not offered here"};
  unique_fd folder{::open(context.upload_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder && errno == ENOENT && ::mkdir(context.upload_dir.c_str(), 0700) == 0)
    folder = unique_fd{::open(context.upload_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder)
    return error{errc::io, "the folder for uploads cannot be opened"};
  return folder;
}

std::vector<std::string> uploads_in(int folder) {
  std::vector<std::string> out;
  unique_fd own{::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  std::unique_ptr<DIR, int (*)(DIR*)> all{::fdopendir(own.get()), ::closedir};
  if (!all)
    return out;
  own.release();
  while (const auto* one = ::readdir(all.get()))
    if (std::string_view{one->d_name}.starts_with(prefix))
      out.emplace_back(one->d_name);
  return out;
}

} // namespace

outcome run_put(const file_context& context, const command& what) {
  field_reader from{what.body};
  const auto upload = from.text("upload");
  const auto off = from.number("off", 0, context.limits.max_write).value_or(0);
  const auto data = from.bytes("data");
  if (!from.wrong() && (upload.empty() || upload.size() > 200))
    from.refuse(errc::invalid_request, "upload must be 1 to 200 bytes long");
  if (!from.wrong() && data.size() > max_piece)
    from.refuse(errc::payload_too_large, "a piece has at most 524,288 bytes");
  if (!from.wrong() && off + data.size() > context.limits.max_write)
    from.refuse(errc::payload_too_large, "the upload is too large");
  if (from.wrong())
    return from.why();
  auto folder = open_folder(context);
  if (!folder)
    return folder.error();
  const auto name = file_of(what, upload);
  const auto shown = "upload " + upload;
  constexpr int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC;
  unique_fd file{::openat(folder->get(), name.c_str(), flags)};
  if (!file && errno == ENOENT) {
    if (uploads_in(folder->get()).size() >= max_uploads)
      return error{errc::busy, "too many uploads are open"};
    file = unique_fd{::openat(folder->get(), name.c_str(), flags | O_CREAT, 0600)};
  }
  if (!file)
    return from_errno(errno, shown);
  std::string_view rest = data;
  auto at = off;
  while (!rest.empty()) {
    int failed = fault(context, "write");
    auto wrote
      = failed != 0 ? -1 : ::pwrite(file.get(), rest.data(), rest.size(), static_cast<off_t>(at));
    if (wrote < 0 && failed == 0 && errno == EINTR)
      continue;
    if (wrote < 0)
      return from_errno(failed != 0 ? failed : errno, shown);
    rest.remove_prefix(static_cast<std::size_t>(wrote));
    at += static_cast<std::uint64_t>(wrote);
  }
  struct stat now {};
  if (::fstat(file.get(), &now) != 0)
    return from_errno(errno, shown);
  return answer({{"size", now.st_size}});
}

result<open_file> open_upload(const file_context& context, const command& what,
                              std::string_view upload) {
  auto folder = open_folder(context);
  if (!folder)
    return folder.error();
  return open_regular(folder->get(), file_of(what, upload), "upload " + std::string{upload});
}

void remove_upload(const file_context& context, const command& what, std::string_view upload) {
  if (auto folder = open_folder(context); folder)
    ::unlinkat(folder->get(), file_of(what, upload).c_str(), 0);
}

std::size_t sweep_uploads(const file_context& context) {
  if (context.upload_dir.empty())
    return 0;
  auto folder = open_folder(context);
  if (!folder)
    return 0;
  std::size_t removed = 0;
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  for (const auto& name : uploads_in(folder->get())) {
    struct stat one {};
    if (::fstatat(folder->get(), name.c_str(), &one, AT_SYMLINK_NOFOLLOW) == 0
        && one.st_mtime + max_age.count() < now && ::unlinkat(folder->get(), name.c_str(), 0) == 0)
      ++removed;
  }
  return removed;
}

} // namespace holt::files
