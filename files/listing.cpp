// SPDX-License-Identifier: Apache-2.0
#include "files/listing.hpp"

#include "files/transfer.hpp"
#include "files/tree_walk.hpp"

#include <fcntl.h>

namespace holt::files {

result<listing> list_entries(const file_context& context, std::string_view path,
                             const listing_options& how) {
  auto where = context.jail->locate(path);
  if (!where)
    return where.error();
  auto folder = open_folder(*context.jail, *where);
  if (!folder)
    return folder.error();
  listing out;
  tree_walk walk{context, where->shown};
  auto walked = walk.run(folder->fd.get(), [&](const tree_entry& one) {
    if (out.truncated = out.entries.size() == how.limit; out.truncated)
      return walk_step::stop;
    auto shown = below(where->shown, one.path);
    auto look = look_at(one.folder, one.name, shown);
    if (!look || !look->exists())
      return walk_step::go_on; // gone since
    out.entries.push_back({one.name, std::move(shown), *look});
    return one.depth + 1 < how.depth ? walk_step::descend : walk_step::go_on;
  });
  if (!walked)
    return walked.error();
  out.truncated = out.truncated || walk.out_of_budget();
  out.unreadable = walk.unreadable();
  return out;
}

result<stat_entry> stat_path(const file_context& context, std::string_view path) {
  auto where = context.jail->locate(path);
  if (!where)
    return where.error();
  auto seen = context.jail->open_at(*where, O_PATH);
  if (!seen)
    return seen.error();
  auto look = look_at(seen->get(), where->shown);
  if (!look)
    return look.error();
  stat_entry out;
  if (auto slot = context.jail->open_parent(*where, false)) {
    auto own = look_at(slot->folder.get(), slot->name, where->shown);
    out.link = own && own->type == entry_type::symlink;
  }
  out.etag = etag_of(*look);
  out.entry = {where->shown.substr(where->shown.rfind('/') + 1), where->shown, *look};
  return out;
}

} // namespace holt::files
