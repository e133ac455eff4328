// SPDX-License-Identifier: Apache-2.0

// fs.move: a rename; between file systems a copy under a name of ours, a rename, and the removal of
// the source. After a crash the inode (of a copy: the hash) tells where the thing is. Where to is
// `to_path`: `to` names a sandbox in every command.

#include "files/change.hpp"
#include "files/commands.hpp"
#include "files/fields.hpp"
#include "files/tree_ops.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace holt::files {

namespace {

struct move_request {
  jailed_path from;
  jailed_path to;
  bool overwrite = false;
  bool parents = true;
};

result<move_request> read_body(const file_context& context, const command& what) {
  field_reader from{what.body};
  move_request out;
  out.overwrite = from.flag("overwrite", false);
  out.parents = from.flag("parents", true);
  auto source = read_path(from, *context.jail, "from");
  if (!source)
    return source.error();
  auto target = read_path(from, *context.jail, "to_path");
  if (!target)
    return target.error();
  out.from = std::move(*source);
  out.to = std::move(*target);
  return out;
}

command_outcome done(bool replaced) {
  return answer({{"replaced", replaced}});
}

error exists_error(const jailed_path& where) {
  return {errc::exists, printable(where.shown) + ": exists already; overwrite is false"};
}

/// `absent` also when its folder is missing.
result<entry_look> look_below(const file_context& context, const jailed_path& where) {
  auto slot = context.jail->open_parent(where, false);
  if (!slot && slot.error().code == errc::not_found)
    return entry_look{};
  if (!slot)
    return slot.error();
  return look_at(slot->folder.get(), slot->name, where.shown);
}

/// To another file system. Whoever looks sees the thing at its old place, then at both, then at
/// the new one; never half of it.
result<void> move_by_copy(const file_context& context, const move_request& want,
                          const path_jail::slot& from, const path_jail::slot& to,
                          const file_plan& plan) {
  const auto temporary = planned_temporary(plan);
  const int target = to.folder.get();
  if (auto good
      = copy_tree(context, from.folder.get(), from.name, target, temporary, want.from.shown);
      !good)
    return good;
  step(context, "copied");
  int failed = want.overwrite
                 ? (::renameat(target, temporary.c_str(), target, to.name.c_str()) == 0 ? 0 : errno)
                 : rename_fresh(target, temporary, target, to.name);
  if (failed != 0) {
    remove_tree(target, temporary);
    return from_errno(failed, want.to.shown);
  }
  sync_folder(target);
  step(context, "renamed");
  // The source goes at once too; what is left of it is nobody's but a sweep's.
  const int source = from.folder.get();
  auto trash = rename_fresh(source, from.name, source, temporary) == 0 ? temporary : from.name;
  failed = remove_tree(source, trash);
  step(context, "removed");
  if (failed != 0)
    return from_errno(failed, want.from.shown);
  return {};
}

} // namespace

result<file_plan> plan_move(const file_context& context, const command& what) {
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  auto source = context.jail->open_parent(want->from, false);
  if (!source)
    return source.error();
  auto from = look_at(source->folder.get(), source->name, want->from.shown);
  if (!from)
    return from.error();
  if (!from->exists())
    return from_errno(ENOENT, want->from.shown);
  if (from->type != entry_type::directory
      && (want->from.below.ends_with('/') || want->to.below.ends_with('/')))
    return from_errno(ENOTDIR, want->from.below.ends_with('/') ? want->from.shown : want->to.shown);
  auto to = look_below(context, want->to);
  if (!to)
    return to.error();
  if (to->exists() && !want->overwrite && !same_thing(*to, *from))
    return exists_error(want->to);
  file_plan plan{{"from", to_plan(*from)}, {"to", to_plan(*to)}, {"temporary", temporary_name()}};
  auto target = context.jail->open_parent(want->to, false);
  auto folder = target ? look_at(target->folder.get(), want->to.shown) : result<entry_look>{};
  // A copy is another inode: it is recognised by its content.
  const bool copy = !target || !folder || folder->device != from->device;
  if (copy)
    plan["copy"] = true;
  if (copy && from->type == entry_type::file) {
    auto state = state_of(context, *source, want->from.shown);
    if (!state)
      return state.error();
    plan["sha256"] = state->sha256;
  }
  return planned(std::move(plan));
}

outcome run_move(const file_context& context, const command& what, const file_plan& plan) {
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  auto from = context.jail->open_parent(want->from, false);
  if (!from)
    return from.error();
  auto to = context.jail->open_parent(want->to, want->parents);
  if (!to)
    return to.error();
  step(context, "parents_made");
  entry_lock lock{*from, *to};
  auto replaced = look_at(to->folder.get(), to->name, want->to.shown);
  if (!replaced)
    return replaced.error();
  if (is_cancelled(context))
    return cancelled_error();
  int failed = fault(context, "rename");
  if (failed == 0 && want->overwrite)
    failed
      = ::renameat(from->folder.get(), from->name.c_str(), to->folder.get(), to->name.c_str()) == 0
          ? 0
          : errno;
  else if (failed == 0)
    failed = rename_fresh(from->folder.get(), from->name, to->folder.get(), to->name);
  if (failed == EEXIST) {
    auto source = look_at(from->folder.get(), from->name, want->from.shown);
    if (source && same_thing(*source, *replaced))
      return done(false); // to itself
    return exists_error(want->to);
  }
  if (failed == EXDEV) {
    if (auto good = move_by_copy(context, *want, *from, *to, plan); !good)
      return good.error();
    return done(replaced->exists());
  }
  if (failed == EINVAL)
    return error{errc::invalid_request,
                 printable(want->to.shown) + ": a folder cannot be moved into itself"};
  if (failed == ENOENT)
    return from_errno(failed, want->from.shown);
  if (failed != 0)
    return from_errno(failed, want->to.shown);
  step(context, "renamed");
  sync_folder(to->folder.get());
  sync_folder(from->folder.get());
  step(context, "folder_synced");
  return done(replaced->exists());
}

outcome settle_move(const file_context& context, const command& what, const file_plan& plan) {
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  if (!plan.is_object() || !plan.contains("from") || !plan.contains("to"))
    return error{errc::internal, "the plan is not one of ours"};
  const auto moved = look_from_plan(plan["from"]);
  const auto replaced = look_from_plan(plan["to"]);
  const auto temporary = planned_temporary(plan);
  auto from_slot = context.jail->open_parent(want->from, false);
  auto to_slot = context.jail->open_parent(want->to, false);
  for (auto* slot : {&from_slot, &to_slot})
    if (*slot)
      remove_tree((*slot)->folder.get(), temporary);
  auto from = look_below(context, want->from);
  if (!from)
    return from.error();
  auto to = look_below(context, want->to);
  if (!to)
    return to.error();
  const bool at_source = same_thing(*from, moved);
  if (same_thing(*to, moved) && (!at_source || same_thing(replaced, moved)))
    return done(replaced.exists() && !same_thing(replaced, moved));
  if (at_source && same_thing(*to, replaced))
    return run_move(context, what, plan);
  // A copy is in place: its source is on its way out, or gone.
  const auto hash = plan.value("sha256", std::string{});
  if (!plan.contains("copy") || to->type != moved.type || !to_slot || (at_source && hash.empty()))
    return interrupted_error(want->to.shown);
  if (!hash.empty()) {
    auto state = state_of(context, *to_slot, want->to.shown);
    if (!state || state->sha256 != hash)
      return interrupted_error(want->to.shown);
  } else if (from->exists() || same_thing(*to, replaced)) {
    return interrupted_error(want->from.shown);
  }
  if (at_source && from_slot)
    if (int failed = remove_tree(from_slot->folder.get(), from_slot->name); failed != 0)
      return from_errno(failed, want->from.shown);
  return done(replaced.exists());
}

} // namespace holt::files
