// SPDX-License-Identifier: Apache-2.0
#include "files/copy.hpp"

#include "files/replacement.hpp"
#include "files/tree_ops.hpp"
#include "files/tree_walk.hpp"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>

namespace holt::files {

namespace {

/// Whether `folder` is the thing, or lies below it.
bool lies_within(int folder, const entry_look& thing) {
  unique_fd now{::openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  entry_look before;
  for (int i = 0; now && i < 4096; ++i) {
    auto look = look_at(now.get(), "");
    if (!look || (before.exists() && look->inode == before.inode && look->device == before.device))
      return false; // the top
    if (look->inode == thing.inode && look->device == thing.device)
      return true;
    before = *look;
    now = unique_fd{::openat(now.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  }
  return false;
}

/// By descriptor, which names what was looked at.
int chmod_path_fd(int path_fd, unsigned mode) {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "/proc/self/fd/%d", path_fd);
  return ::chmod(name.data(), mode) == 0 ? 0 : errno;
}

int chmod_in(int folder, const std::string& name, unsigned mode) {
  unique_fd seen{::openat(folder, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!seen)
    return errno;
  auto look = look_at(seen.get(), name);
  if (!look || look->type == entry_type::symlink)
    return look ? 0 : EIO;
  return chmod_path_fd(seen.get(), mode);
}

} // namespace

result<copy_done> copy_entry(const file_context& context, const copy_request& want) {
  auto source = context.jail->locate(want.from);
  if (!source)
    return source.error();
  auto target = context.jail->locate(want.to);
  if (!target)
    return target.error();
  auto from = context.jail->open_parent(*source, false);
  if (!from)
    return from.error();
  auto look = look_at(from->folder.get(), from->name, source->shown);
  if (!look)
    return look.error();
  if (!look->exists())
    return from_errno(ENOENT, source->shown);
  auto to = context.jail->open_parent(*target, true);
  if (!to)
    return to.error();
  auto old = look_at(to->folder.get(), to->name, target->shown);
  if (!old)
    return old.error();
  if (old->exists() && !want.overwrite)
    return error{errc::exists, printable(target->shown) + ": exists already; overwrite is false"};
  if (old->exists() && same_thing(*old, *look) && old->device == look->device)
    return error{errc::invalid_request, printable(target->shown) + ": is the source itself"};
  if (look->type == entry_type::directory && lies_within(to->folder.get(), *look))
    return error{errc::invalid_request,
                 printable(target->shown) + ": a folder cannot be copied into itself"};
  const int folder = to->folder.get();
  const auto temporary = temporary_name();
  if (auto good
      = copy_tree(context, from->folder.get(), from->name, folder, temporary, source->shown);
      !good)
    return good.error();
  entry_lock lock{*to};
  int failed
    = want.overwrite
        ? (::renameat(folder, temporary.c_str(), folder, to->name.c_str()) == 0 ? 0 : errno)
        : rename_fresh(folder, temporary, folder, to->name);
  if (failed != 0) {
    remove_tree(folder, temporary);
    return from_errno(failed == EEXIST && want.overwrite ? ENOTEMPTY : failed, target->shown);
  }
  sync_folder(folder);
  return copy_done{source->shown, target->shown, old->exists()};
}

result<mode_done> change_mode(const file_context& context, std::string_view path, unsigned mode,
                              bool recursive) {
  auto where = context.jail->locate(path);
  if (!where)
    return where.error();
  auto seen = context.jail->open_at(*where, O_PATH);
  if (!seen)
    return seen.error();
  auto look = look_at(seen->get(), where->shown);
  if (!look)
    return look.error();
  mode_done out{where->shown, 0, 0};
  auto count = [&](int failed) { ++(failed == 0 ? out.changed : out.failed); };
  if (recursive && look->type == entry_type::directory) {
    auto folder = open_folder(*context.jail, *where);
    if (!folder)
      return folder.error();
    // Folders last, the deepest first: a mode that locks us out comes behind what is inside.
    std::vector<std::string> folders;
    tree_walk walk{context, where->shown};
    auto walked = walk.run(folder->fd.get(), [&](const tree_entry& one) {
      if (one.type == entry_type::directory)
        folders.push_back(one.path);
      else if (one.type != entry_type::symlink)
        count(chmod_in(one.folder, one.name, mode));
      return walk_step::descend;
    });
    if (!walked)
      return walked.error();
    for (auto i = folders.rbegin(); i != folders.rend(); ++i) {
      auto slot = context.jail->open_parent(
        {where->root, below(where->below, *i), below(where->shown, *i)}, false);
      count(slot ? chmod_in(slot->folder.get(), slot->name, mode) : EIO);
    }
  }
  if (int failed = chmod_path_fd(seen->get(), mode); failed != 0)
    return from_errno(failed, where->shown);
  ++out.changed;
  return out;
}

} // namespace holt::files
