// SPDX-License-Identifier: Apache-2.0

// fs.mkdir. Its state before is what the plan found; its state after is that a folder is there.

#include "files/commands.hpp"
#include "files/content.hpp"
#include "files/fields.hpp"
#include "files/owner.hpp"
#include "files/replacement.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <fcntl.h>

namespace holt::files {

namespace {

struct mkdir_request {
  bool parents = true;
  bool exist_ok = true;
  std::optional<unsigned> mode;
  jailed_path where;
};

result<mkdir_request> read_body(const file_context& context, const command& what) {
  field_reader from{what.body};
  mkdir_request out;
  out.parents = from.flag("parents", true);
  out.exist_ok = from.flag("exist_ok", true);
  out.mode = from.mode("mode");
  auto where = read_path(from, *context.jail);
  if (!where)
    return where.error();
  out.where = std::move(*where);
  return out;
}

/// What is there, links followed. A link that leads nowhere exists as a link.
result<entry_type> type_at(const file_context& context, const jailed_path& where) {
  for (int flags : {O_PATH, O_PATH | O_NOFOLLOW}) {
    auto seen = context.jail->open_at(where, flags);
    if (!seen && seen.error().code == errc::not_found)
      continue;
    if (!seen)
      return seen.error();
    auto look = look_at(seen->get(), where.shown);
    if (!look)
      return look.error();
    return look->type;
  }
  return entry_type::absent;
}

/// By descriptor: `name` may have become a link in between.
int set_mode(const path_jail::slot& slot, unsigned mode) {
  unique_fd own{::openat(slot.folder.get(), slot.name.c_str(),
                         O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  return own && ::fchmod(own.get(), mode) == 0 ? 0 : errno;
}

command_outcome done(bool created) {
  return answer({{"created", created}});
}

} // namespace

result<file_plan> plan_mkdir(const file_context& context, const command& what) {
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  auto type = type_at(context, want->where);
  if (!type)
    return type.error();
  if (*type == entry_type::absent)
    return planned({{"absent", true}});
  if (*type == entry_type::directory && want->exist_ok)
    return planned({{"absent", false}});
  return from_errno(EEXIST, want->where.shown);
}

outcome run_mkdir(const file_context& context, const command& what, const file_plan&) {
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  const auto& shown = want->where.shown;
  auto type = type_at(context, want->where);
  if (!type)
    return type.error();
  if (*type == entry_type::directory && want->exist_ok)
    return done(false);
  auto slot = context.jail->open_parent(want->where, want->parents);
  if (!slot)
    return slot.error();
  step(context, "parents_made");
  const int folder = slot->folder.get();
  int failed = fault(context, "mkdir");
  // Readable for us until it has its mode.
  if (failed == 0 && ::mkdirat(folder, slot->name.c_str(), want->mode ? 0700 : 0777) != 0)
    failed = errno;
  if (failed == EEXIST && want->exist_ok) {
    auto now = type_at(context, want->where);
    if (now && *now == entry_type::directory)
      return done(false);
  }
  if (failed != 0)
    return from_errno(failed, shown);
  step(context, "made");
  adopt_owner(folder, slot->name);
  // The mask of the daemon is not meant for a mode that was asked for.
  if (want->mode)
    if (failed = set_mode(*slot, *want->mode); failed != 0)
      return from_errno(failed, shown);
  sync_folder(folder);
  step(context, "folder_synced");
  return done(true);
}

outcome settle_mkdir(const file_context& context, const command& what, const file_plan& plan) {
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  const bool was_absent = plan.is_object() && plan.value("absent", false);
  auto type = type_at(context, want->where);
  if (!type)
    return type.error();
  if (*type == entry_type::directory) {
    auto slot = context.jail->open_parent(want->where, false);
    if (was_absent && want->mode && slot)
      set_mode(*slot, *want->mode);
    return done(was_absent);
  }
  if (*type == entry_type::absent && was_absent)
    return run_mkdir(context, what, plan);
  return interrupted_error(want->where.shown);
}

} // namespace holt::files
