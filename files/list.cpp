// SPDX-License-Identifier: Apache-2.0

// fs.list and fs.stat.

#include "files/array_answer.hpp"
#include "files/commands.hpp"
#include "files/fields.hpp"
#include "files/folder.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <limits>
#include <unistd.h>

namespace holt::files {

namespace {

std::string link_text(int folder, const std::string& name) {
  std::array<char, PATH_MAX> text{};
  auto size = ::readlinkat(folder, name.c_str(), text.data(), text.size());
  return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

/// What a link leads to inside the roots; `absent` when it leads nowhere or outside.
entry_type target_type(const file_context& context, const jailed_path& folder,
                       const std::string& name) {
  auto where = folder;
  where.below = below(folder.below, name);
  auto seen = context.jail->open_at(where, O_PATH);
  if (!seen)
    return entry_type::absent;
  auto look = look_at(seen->get(), where.shown);
  return look ? look->type : entry_type::absent;
}

} // namespace

outcome run_list(const file_context& context, const command& what) {
  field_reader from{what.body};
  const auto offset = from.number("offset", 0, std::numeric_limits<std::int64_t>::max());
  const auto limit = from.number("limit", 1, context.limits.max_entries);
  const bool follow = from.flag("follow", false);
  auto where = read_path(from, *context.jail, "path", ".");
  if (!where)
    return where.error();
  auto folder = open_folder(*context.jail, *where);
  if (!folder)
    return folder.error();
  auto names = entries_in(context, folder->fd.get(), where->shown);
  if (!names)
    return names.error();
  const auto total = names->size();
  auto next = static_cast<std::size_t>(std::min<std::uint64_t>(offset.value_or(0), total));
  const auto most = limit.value_or(context.limits.max_entries);
  array_answer entries{context, what, "entries"};
  for (; next < total && entries.size() < most; ++next) {
    if (is_cancelled(context))
      return cancelled_error();
    const auto& name = (*names)[next].name;
    const auto path = below(where->shown, name);
    auto look = look_at(folder->fd.get(), name, path);
    if (!look || !look->exists())
      continue; // gone since
    auto entry = entry_json(name, path, *look);
    if (follow && look->type == entry_type::symlink)
      entry["target_type"] = to_string(target_type(context, *where, name));
    if (!entries.add(std::move(entry)))
      break;
  }
  command_outcome out;
  entries.finish(out);
  if (offset || limit || next < total)
    out.fields["total"] = total;
  if (next < total) {
    out.fields["truncated"] = true;
    out.fields["next_offset"] = next;
  }
  return out;
}

outcome run_stat(const file_context& context, const command& what) {
  field_reader from{what.body};
  const bool follow = from.flag("follow", true);
  const bool hash = from.flag("hash", false);
  auto where = read_path(from, *context.jail);
  if (!where)
    return where.error();
  auto seen = context.jail->open_at(*where, O_PATH | (follow ? 0 : O_NOFOLLOW));
  if (!seen)
    return seen.error();
  auto look = look_at(seen->get(), where->shown);
  if (!look)
    return look.error();
  auto cut = where->shown.rfind('/');
  auto entry = entry_json(where->shown.substr(cut + 1), where->shown, *look);
  entry["uid"] = look->uid;
  entry["gid"] = look->gid;
  if (auto slot = context.jail->open_parent(*where, false); slot)
    if (auto text = link_text(slot->folder.get(), slot->name); !text.empty())
      put_path(entry, "target", text);
  if (hash && look->type == entry_type::file) {
    auto file = open_regular(*context.jail, *where);
    if (!file)
      return file.error();
    auto text = hash_file(context, file->fd.get(), where->shown);
    if (!text)
      return text.error();
    entry["sha256"] = std::move(*text);
  }
  entry.erase("type"); // the message has its own
  entry["kind"] = to_string(look->type);
  return answer(std::move(entry));
}

} // namespace holt::files
