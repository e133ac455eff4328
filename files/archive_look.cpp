// SPDX-License-Identifier: Apache-2.0

// What an archive of a folder would lack: told before the first byte of it, since nobody looks for
// what is not there. Opens all that would be packed, as the packer does, and reads no content.

#include "files/archive.hpp"
#include "files/folder.hpp"

namespace holt::files {

namespace {

constexpr std::size_t most_paths = 20;

class looker {
public:
  explicit looker(const file_context& context) : context_{context} {}

  result<void> folder(int fd, const std::string& prefix, std::size_t depth) {
    auto entries = entries_in(context_, fd, prefix);
    if (!entries)
      return entries.error().code == errc::cancelled ? entries.error()
                                                     : note(prefix, entries.error());
    for (const auto& one : *entries) {
      if (is_cancelled(context_))
        return cancelled_error();
      if (auto good = entry(fd, one.name, prefix + one.name, depth); !good)
        return good;
    }
    return {};
  }

  unreadable found;

private:
  result<void> note(const std::string& path, const error& why) {
    if (why.code == errc::not_found)
      return {};
    if (++found.count <= most_paths)
      found.paths.push_back(path);
    return {};
  }

  result<void> entry(int in, const std::string& name, const std::string& path, std::size_t depth) {
    auto seen = look_at(in, name, path);
    if (!seen)
      return note(path, seen.error());
    if (seen->type == entry_type::file) {
      auto file = open_regular(in, name, path);
      return file ? result<void>{} : note(path, file.error());
    }
    if (seen->type != entry_type::directory)
      return {};
    auto inner = depth < max_archive_depth ? open_folder(in, name, path)
                                           : result<open_folder_result>{error{errc::io, path}};
    return inner ? folder(inner->fd.get(), path + "/", depth + 1) : note(path, inner.error());
  }

  const file_context& context_;
};

} // namespace

result<unreadable> find_unreadable(const file_context& context, std::string_view path) {
  auto where = context.jail->locate(path);
  if (!where)
    return where.error();
  auto top = open_folder(*context.jail, *where);
  looker all{context};
  if (!top) // one file: the packer opens it at once
    return top.error().code == errc::not_directory ? result<unreadable>{unreadable{}} : top.error();
  if (auto good = all.folder(top->fd.get(), "", 1); !good)
    return good.error();
  return std::move(all.found);
}

} // namespace holt::files
