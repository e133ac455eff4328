// SPDX-License-Identifier: Apache-2.0

// A folder becomes an archive: a walk that stops between pieces.

#include "files/archive.hpp"
#include "files/archive_handle.hpp"
#include "files/folder.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <optional>
#include <unistd.h>

namespace holt::files {

namespace {

constexpr std::size_t piece_bytes = 256 * 1024;
constexpr std::size_t read_bytes = 128 * 1024;

class tar_packer final : public packer {
public:
  tar_packer(file_context context, std::string shown, std::uint64_t may_skip)
    : context_{std::move(context)},
      shown_{std::move(shown)},
      may_skip_{may_skip},
      buffer_(read_bytes, '\0') {}

  result<void> begin(const jailed_path& where, archive_format format) {
    archive_.reset(archive_write_new());
    archive_write_set_format_pax(archive_.get()); // restricted: times lose their fractions
    if (format == archive_format::tar_zst) {
      if (archive_write_add_filter_zstd(archive_.get()) != ARCHIVE_OK)
        return archive_error(archive_.get(), errc::unsupported);
      archive_write_set_filter_option(archive_.get(), "zstd", "compression-level", "3");
    }
    archive_write_set_bytes_per_block(archive_.get(), 0);
    if (archive_write_open(archive_.get(), this, nullptr, &tar_packer::took, nullptr) != ARCHIVE_OK)
      return archive_error(archive_.get(), errc::io);
    auto seen = look(where);
    if (!seen)
      return seen.error();
    if (seen->type == entry_type::directory) {
      auto folder = open_folder(*context_.jail, where);
      if (!folder)
        return folder.error();
      return enter(std::move(folder->fd), "");
    }
    auto file = open_regular(*context_.jail, where);
    if (!file)
      return file.error();
    return add_file(std::move(*file), where.shown.substr(where.shown.rfind('/') + 1));
  }

  result<std::string> next() override {
    const utf8_names names;
    while (out_.size() < piece_bytes && !finished_) {
      if (is_cancelled(context_))
        return cancelled_error();
      auto stepped = step_on();
      if (!stepped)
        return stepped.error();
    }
    std::string piece;
    piece.swap(out_);
    return piece;
  }

private:
  struct level {
    unique_fd fd;
    std::vector<folder_entry> entries;
    std::size_t at = 0;
    std::string prefix; ///< with its slash
  };

  static la_ssize_t took(archive*, void* self, const void* bytes, std::size_t size) {
    static_cast<tar_packer*>(self)->out_.append(static_cast<const char*>(bytes), size);
    return static_cast<la_ssize_t>(size);
  }

  result<entry_look> look(const jailed_path& where) const {
    auto seen = context_.jail->open_at(where, O_PATH);
    if (!seen)
      return seen.error();
    return look_at(seen->get(), where.shown);
  }

  result<void> enter(unique_fd fd, std::string prefix) {
    auto entries = entries_in(context_, fd.get(), shown_);
    if (!entries)
      return entries.error();
    levels_.push_back({std::move(fd), std::move(*entries), 0, std::move(prefix)});
    return {};
  }

  result<void> header(const std::string& name, const entry_look& what, unsigned type,
                      std::uint64_t size, const std::string& target = {}) {
    entry_ptr entry{archive_entry_new()};
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_filetype(entry.get(), type);
    archive_entry_set_perm(entry.get(), what.mode & 01777u);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    archive_entry_set_mtime(entry.get(), what.modified_ns / 1'000'000'000,
                            static_cast<long>(what.modified_ns % 1'000'000'000));
    archive_entry_set_uid(entry.get(), what.uid);
    archive_entry_set_gid(entry.get(), what.gid);
    if (!target.empty())
      archive_entry_set_symlink(entry.get(), target.c_str());
    // ARCHIVE_WARN: a name that is no UTF-8 goes as it is.
    if (archive_write_header(archive_.get(), entry.get()) < ARCHIVE_WARN)
      return archive_error(archive_.get(), errc::io);
    return {};
  }

  result<void> add_file(open_file file, const std::string& name) {
    if (auto good = header(name, file.look, AE_IFREG, file.look.size); !good)
      return good;
    left_ = file.look.size;
    offset_ = 0;
    file_ = std::move(file.fd);
    return {};
  }

  result<void> step_on() {
    if (file_)
      return copy_on();
    if (levels_.empty()) {
      finished_ = true;
      return archive_write_close(archive_.get()) == ARCHIVE_OK
               ? result<void>{}
               : archive_error(archive_.get(), errc::io);
    }
    auto& top = levels_.back();
    if (top.at == top.entries.size()) {
      levels_.pop_back();
      return {};
    }
    const auto& one = top.entries[top.at++];
    return add(top, one.name);
  }

  /// What is gone by now was never there; of what cannot be read the caller knows how much it is.
  result<void> skip(const error& why) {
    if (why.code == errc::not_found)
      return {};
    if (why.code == errc::cancelled || skipped_ == may_skip_)
      return why;
    ++skipped_;
    return {};
  }

  result<void> add(const level& in, const std::string& name) {
    const int folder = in.fd.get();
    const auto path = in.prefix + name;
    auto seen = look_at(folder, name, path);
    if (!seen)
      return skip(seen.error());
    if (!seen->exists())
      return {};
    if (seen->type == entry_type::file) {
      auto file = open_regular(folder, name, path);
      return file ? add_file(std::move(*file), path) : skip(file.error());
    }
    if (seen->type == entry_type::symlink) {
      std::array<char, PATH_MAX> text{};
      if (::readlinkat(folder, name.c_str(), text.data(), text.size() - 1) <= 0)
        return {};
      return header(path, *seen, AE_IFLNK, 0, text.data());
    }
    if (seen->type != entry_type::directory)
      return {};
    if (auto good = header(path + "/", *seen, AE_IFDIR, 0); !good)
      return good;
    auto inner = levels_.size() < max_archive_depth
                   ? open_folder(folder, name, path)
                   : result<open_folder_result>{error{errc::io, path + " is too deep"}};
    if (!inner)
      return skip(inner.error());
    auto entered = enter(std::move(inner->fd), path + "/");
    return entered ? entered : skip(entered.error());
  }

  result<void> copy_on() {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffer_.size()));
    auto got
      = want == 0 ? 0 : ::pread(file_.get(), buffer_.data(), want, static_cast<off_t>(offset_));
    if (got < 0 && errno == EINTR)
      return {};
    if (got < 0)
      return from_errno(errno, shown_);
    if (got == 0) { // whole, or cut meanwhile: libarchive fills up with zeros
      file_ = unique_fd{};
      return {};
    }
    if (archive_write_data(archive_.get(), buffer_.data(), static_cast<std::size_t>(got)) < 0)
      return archive_error(archive_.get(), errc::io);
    offset_ += static_cast<std::uint64_t>(got);
    left_ -= static_cast<std::uint64_t>(got);
    return {};
  }

  file_context context_;
  std::string shown_;
  const std::uint64_t may_skip_;
  std::uint64_t skipped_ = 0;
  std::string buffer_;
  std::string out_;
  std::vector<level> levels_;
  unique_fd file_; ///< whose content is being added
  std::uint64_t offset_ = 0;
  std::uint64_t left_ = 0;
  bool finished_ = false;
  archive_ptr archive_; ///< last: its end writes into `out_`
};

} // namespace

result<std::unique_ptr<packer>> packer::open(file_context context, std::string_view path,
                                             archive_format format, std::uint64_t may_skip) {
  auto where = context.jail->locate(path);
  if (!where)
    return where.error();
  const utf8_names names;
  auto out = std::make_unique<tar_packer>(std::move(context), where->shown, may_skip);
  if (auto begun = out->begin(*where, format); !begun)
    return begun.error();
  return std::unique_ptr<packer>{std::move(out)};
}

} // namespace holt::files
