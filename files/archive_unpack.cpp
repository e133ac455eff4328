// SPDX-License-Identifier: Apache-2.0

// An archive becomes a folder: looked through once, then made.

#include "files/archive.hpp"
#include "files/archive_handle.hpp"
#include "files/folder.hpp"
#include "files/owner.hpp"
#include "files/replacement.hpp"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace holt::files {

namespace {

constexpr std::size_t max_name = 4096;
constexpr std::size_t piece_bytes = 128 * 1024;

error refused(std::string_view name, std::string_view why) {
  return {errc::invalid_request,
          "archive: " + printable(name.substr(0, 200)) + ": " + std::string{why}};
}

/// Components without `.`; an error for what could leave the folder.
result<std::vector<std::string>> components(std::string_view name) {
  if (name.empty() || name.size() > max_name)
    return refused(name, "a name that is empty or too long");
  if (name.front() == '/')
    return refused(name, "an absolute name");
  std::vector<std::string> out;
  std::size_t at = 0;
  while (at <= name.size()) {
    const auto end = std::min(name.find('/', at), name.size());
    const auto part = name.substr(at, end - at);
    at = end + 1;
    if (part == "..")
      return refused(name, "a name that climbs");
    if (part.size() > 255)
      return refused(name, "a name that is too long");
    if (is_temporary_name(part))
      return refused(name, "a name of ours");
    if (!part.empty() && part != ".")
      out.emplace_back(part);
  }
  return out;
}

result<archive_ptr> open_archive(int fd, archive_format format) {
  archive_ptr out{archive_read_new()};
  archive_read_support_format_tar(out.get());
  if (format == archive_format::tar_zst)
    archive_read_support_filter_zstd(out.get());
  if (::lseek(fd, 0, SEEK_SET) != 0)
    return from_errno(errno, "archive");
  if (archive_read_open_fd(out.get(), fd, piece_bytes) != ARCHIVE_OK)
    return archive_error(out.get(), errc::invalid_request);
  return {boost::system::in_place_value, std::move(out)};
}

std::string name_of(archive_entry* entry) {
  const auto* text = archive_entry_pathname(entry);
  return text != nullptr ? text : "";
}

class unpacker {
public:
  unpacker(const file_context& context, const unpack_options& how, std::string shown)
    : context_{context}, how_{how}, shown_{std::move(shown)} {}

  /// Everything that can be known before anything is made.
  result<void> look_through(int fd) {
    return each(fd, [this](archive* from, archive_entry* entry) { return check(from, entry); });
  }

  result<void> make(int fd, unique_fd top) {
    top_ = std::move(top);
    return each(fd, [this](archive* from, archive_entry* entry) { return put(from, entry); });
  }

  unpacked& done() { return done_; }

private:
  template <class F>
  result<void> each(int fd, F&& act) {
    auto from = open_archive(fd, how_.format);
    if (!from)
      return from.error();
    archive_entry* entry = nullptr;
    std::uint64_t count = 0;
    while (true) {
      if (is_cancelled(context_))
        return cancelled_error();
      const int got = archive_read_next_header(from->get(), &entry);
      if (got == ARCHIVE_EOF)
        return count > 0 ? result<void>{} : refused("", "there is nothing in it");
      if (got < ARCHIVE_WARN)
        return archive_error(from->get(), errc::invalid_request);
      if (++count > how_.max_entries)
        return error{errc::payload_too_large, "archive: too many entries"};
      if (auto good = act(from->get(), entry); !good)
        return good;
    }
  }

  result<void> check(archive* from, archive_entry* entry) {
    const auto name = name_of(entry);
    auto parts = components(name);
    if (!parts)
      return parts.error();
    const auto type = archive_entry_filetype(entry);
    if (const auto* target = archive_entry_hardlink(entry)) {
      auto there = components(target);
      if (!there || there->empty() || parts->empty())
        return refused(name, "a hard link to where it may not lead");
      return {};
    }
    if (parts->empty() && type != AE_IFDIR)
      return refused(name, "not a name of a file");
    if (type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK)
      return refused(name, "neither file, folder nor link");
    if (type != AE_IFREG)
      return {};
    // Counted as it comes: what a header says may be a lie.
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    int got = ARCHIVE_OK;
    while ((got = archive_read_data_block(from, &bytes, &size, &offset)) == ARCHIVE_OK) {
      if (offset < 0 || static_cast<std::uint64_t>(offset) + size > context_.limits.max_write)
        return error{errc::payload_too_large, "archive: unpacked it is too large"};
      checked_ += size;
      if (checked_ > context_.limits.max_write)
        return error{errc::payload_too_large, "archive: unpacked it is too large"};
      if (is_cancelled(context_))
        return cancelled_error();
    }
    return got == ARCHIVE_EOF ? result<void>{} : archive_error(from, errc::invalid_request);
  }

  /// The folder of the last of `parts`, made where it is missing; no link is followed.
  result<unique_fd> folder_of(const std::vector<std::string>& parts, std::size_t count,
                              const std::string& shown) {
    unique_fd now{::openat(top_.get(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    for (std::size_t i = 0; i < count && now; ++i) {
      constexpr int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
      unique_fd next{::openat(now.get(), parts[i].c_str(), flags)};
      if (!next && errno == ENOENT) {
        if (::mkdirat(now.get(), parts[i].c_str(), 0777) == 0)
          adopt_owner(now.get(), parts[i]);
        next = unique_fd{::openat(now.get(), parts[i].c_str(), flags)};
      }
      if (!next && (errno == ENOTDIR || errno == ELOOP))
        return error{errc::conflict,
                     printable(shown) + ": something that is no folder stands in the way"};
      if (!next)
        return from_errno(errno, shown);
      now = std::move(next);
    }
    if (!now)
      return from_errno(errno, shown);
    return {boost::system::in_place_value, std::move(now)};
  }

  result<void> put(archive* from, archive_entry* entry) {
    const auto name = name_of(entry);
    auto parts = components(name);
    if (!parts)
      return parts.error();
    std::string shown = shown_;
    for (const auto& one : *parts)
      shown = below(shown, one);
    const auto type = archive_entry_filetype(entry);
    const auto* hard = archive_entry_hardlink(entry);
    if (hard == nullptr && type == AE_IFDIR) {
      auto folder = folder_of(*parts, parts->size(), shown);
      if (!folder)
        return folder.error();
    } else if (parts->empty()) {
      return refused(name, "not a name of a file");
    } else {
      auto folder = folder_of(*parts, parts->size() - 1, shown);
      if (!folder)
        return folder.error();
      path_jail::slot slot{std::move(*folder), parts->back()};
      auto good = hard != nullptr    ? put_hard_link(slot, hard, shown)
                  : type == AE_IFLNK ? put_link(slot, archive_entry_symlink(entry), shown)
                                     : put_file(from, entry, slot, shown);
      if (!good)
        return good;
    }
    ++done_.entries;
    if (parts->empty())
      return {};
    if (done_.paths.size() < how_.max_paths)
      done_.paths.push_back(shown);
    else
      done_.truncated = true;
    return {};
  }

  result<void> put_file(archive* from, archive_entry* entry, const path_jail::slot& slot,
                        const std::string& shown) {
    auto old = look_at(slot.folder.get(), slot.name, shown);
    if (!old)
      return old.error();
    if (old->exists() && old->type == entry_type::directory)
      return from_errno(EISDIR, shown);
    const auto mode = archive_entry_perm(entry) & 0777u;
    auto next
      = replacement::begin(context_, slot, temporary_name(),
                           old->type == entry_type::file ? *old : entry_look{}, mode, shown);
    if (!next)
      return next.error();
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    std::uint64_t filled = 0;
    int got = ARCHIVE_OK;
    const std::string zeros(64 * 1024, '\0');
    while ((got = archive_read_data_block(from, &bytes, &size, &offset)) == ARCHIVE_OK) {
      for (auto at = static_cast<std::uint64_t>(offset); filled < at;) { // a hole
        const auto some = std::min<std::uint64_t>(at - filled, zeros.size());
        if (auto good = next->write({zeros.data(), static_cast<std::size_t>(some)}); !good)
          return good;
        filled += some;
      }
      if (auto good = next->write({static_cast<const char*>(bytes), size}); !good)
        return good;
      filled += size;
    }
    if (got != ARCHIVE_EOF)
      return archive_error(from, errc::invalid_request);
    done_.bytes += filled;
    if (archive_entry_mtime_is_set(entry) != 0)
      next->set_modified(archive_entry_mtime(entry), archive_entry_mtime_nsec(entry));
    return next->commit_at(slot, false, false);
  }

  result<void> put_link(const path_jail::slot& slot, const char* target, const std::string& shown) {
    if (target == nullptr || *target == '\0')
      return refused(shown, "a link to nowhere");
    const int folder = slot.folder.get();
    const auto temporary = temporary_name();
    if (::symlinkat(target, folder, temporary.c_str()) != 0)
      return from_errno(errno, shown);
    return put_in_place(folder, temporary, slot.name, shown);
  }

  result<void> put_hard_link(const path_jail::slot& slot, const char* target,
                             const std::string& shown) {
    auto parts = components(target);
    if (!parts || parts->empty())
      return refused(shown, "a hard link to where it may not lead");
    auto folder = folder_of(*parts, parts->size() - 1, shown);
    if (!folder)
      return folder.error();
    auto look = look_at(folder->get(), parts->back(), shown);
    if (!look || look->type != entry_type::file)
      return refused(shown, "a hard link to what is no file");
    const int into = slot.folder.get();
    const auto temporary = temporary_name();
    if (::linkat(folder->get(), parts->back().c_str(), into, temporary.c_str(), 0) != 0)
      return from_errno(errno, shown);
    auto good = put_in_place(into, temporary, slot.name, shown);
    ::unlinkat(into, temporary.c_str(), 0); // a rename onto the same file does nothing
    return good;
  }

  static result<void> put_in_place(int folder, const std::string& temporary,
                                   const std::string& name, const std::string& shown) {
    if (::renameat(folder, temporary.c_str(), folder, name.c_str()) == 0)
      return {};
    const int failed = errno;
    ::unlinkat(folder, temporary.c_str(), 0);
    return from_errno(failed, shown);
  }

  const file_context& context_;
  const unpack_options& how_;
  std::string shown_;
  unique_fd top_;
  std::uint64_t checked_ = 0;
  unpacked done_;
};

/// The folder, made where it is missing.
result<unique_fd> open_top(const file_context& context, const jailed_path& where) {
  auto there = context.jail->open_at(where, O_PATH | O_DIRECTORY);
  if (there || there.error().code != errc::not_found)
    return there;
  auto slot = context.jail->open_parent(where, true);
  if (!slot)
    return slot.error();
  if (::mkdirat(slot->folder.get(), slot->name.c_str(), 0777) == 0)
    adopt_owner(slot->folder.get(), slot->name);
  else if (errno != EEXIST)
    return from_errno(errno, where.shown);
  return context.jail->open_at(where, O_PATH | O_DIRECTORY);
}

} // namespace

result<unpacked> unpack(const file_context& context, int fd, std::string_view path,
                        const unpack_options& how) {
  auto where = context.jail->locate(path);
  if (!where)
    return where.error();
  const utf8_names names;
  unpacker work{context, how, where->shown};
  if (auto good = work.look_through(fd); !good)
    return good.error();
  auto top = open_top(context, *where);
  if (!top)
    return top.error();
  if (auto good = work.make(fd, std::move(*top)); !good)
    return good.error();
  return std::move(work.done());
}

} // namespace holt::files
