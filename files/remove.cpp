// SPDX-License-Identifier: Apache-2.0

// fs.remove: the entry is renamed to a name of ours, which is the moment it is gone for everybody;
// then what is below it is deleted. After a crash a missing entry is a made change.

#include "files/change.hpp"
#include "files/commands.hpp"
#include "files/fields.hpp"
#include "files/tree_ops.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace holt::files {

namespace {

struct remove_request {
  bool recursive = false;
  bool missing_ok = false;
  jailed_path where;
};

result<remove_request> read_body(const file_context& context, const command& what) {
  field_reader from{what.body};
  remove_request out;
  out.recursive = from.flag("recursive", false);
  out.missing_ok = from.flag("missing_ok", false);
  auto where = read_path(from, *context.jail);
  if (!where)
    return where.error();
  out.where = std::move(*where);
  return out;
}

command_outcome done(bool removed) {
  return answer({{"removed", removed}});
}

/// Renamed away, then deleted. What cannot be deleted comes back under its name.
int remove_folder(const file_context& context, const path_jail::slot& slot,
                  const std::string& temporary) {
  const int folder = slot.folder.get();
  int failed = fault(context, "rename");
  if (failed == 0)
    failed = rename_fresh(folder, slot.name, folder, temporary);
  // Not for folders of a lower layer of an overlay, and not for mount points.
  if (failed != 0)
    return failed == ENOENT ? ENOENT : remove_tree(folder, slot.name);
  step(context, "renamed");
  failed = remove_tree(folder, temporary);
  if (failed != 0)
    rename_fresh(folder, temporary, folder, slot.name);
  return failed;
}

} // namespace

result<file_plan> plan_remove(const file_context& context, const command& what) {
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  const auto& shown = want->where.shown;
  entry_look look;
  auto slot = context.jail->open_parent(want->where, false);
  if (!slot && slot.error().code != errc::not_found)
    return slot.error();
  if (slot) {
    auto now = look_at(slot->folder.get(), slot->name, shown);
    if (!now)
      return now.error();
    look = *now;
  }
  if (!look.exists() && !want->missing_ok)
    return from_errno(ENOENT, shown);
  if (look.exists() && look.type != entry_type::directory && want->where.below.ends_with('/'))
    return from_errno(ENOTDIR, shown);
  return planned({{"before", to_plan(look)}, {"temporary", temporary_name()}});
}

outcome run_remove(const file_context& context, const command& what, const file_plan& plan) {
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  const auto& shown = want->where.shown;
  auto slot = context.jail->open_parent(want->where, false);
  if (!slot && slot.error().code == errc::not_found && want->missing_ok)
    return done(false);
  if (!slot)
    return slot.error();
  entry_lock lock{*slot};
  auto look = look_at(slot->folder.get(), slot->name, shown);
  if (!look)
    return look.error();
  if (!look->exists() && want->missing_ok)
    return done(false);
  if (is_cancelled(context))
    return cancelled_error();
  const int folder = slot->folder.get();
  int failed = fault(context, "unlink");
  if (failed == 0 && look->type == entry_type::directory && want->recursive)
    failed = remove_folder(context, *slot, planned_temporary(plan));
  else if (failed == 0
           && ::unlinkat(folder, slot->name.c_str(),
                         look->type == entry_type::directory ? AT_REMOVEDIR : 0)
                != 0)
    failed = errno;
  if (failed == ENOTEMPTY && !want->recursive)
    return error{errc::conflict,
                 printable(shown) + ": the folder is not empty; recursive is false"};
  if (failed != 0)
    return from_errno(failed, shown);
  step(context, "removed");
  sync_folder(folder);
  step(context, "folder_synced");
  return done(true);
}

outcome settle_remove(const file_context& context, const command& what, const file_plan& plan) {
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  if (!plan.is_object() || !plan.contains("before"))
    return error{errc::internal, "the plan is not one of ours"};
  const auto before = look_from_plan(plan["before"]);
  auto slot = context.jail->open_parent(want->where, false);
  if (!slot && slot.error().code == errc::not_found)
    return done(before.exists());
  if (!slot)
    return slot.error();
  const auto& shown = want->where.shown;
  const auto temporary = planned_temporary(plan);
  auto trash = look_at(slot->folder.get(), temporary, shown);
  const bool ours = trash && trash->exists();
  if (ours)
    remove_tree(slot->folder.get(), temporary);
  auto now = look_at(slot->folder.get(), slot->name, shown);
  if (!now)
    return now.error();
  if (ours || !now->exists())
    return done(before.exists());
  if (before.exists() && same_thing(*now, before))
    return run_remove(context, what, plan);
  return interrupted_error(shown);
}

} // namespace holt::files
