// SPDX-License-Identifier: Apache-2.0

// fs.tree: the entries of a folder down to a depth with the hashes of small files, nearest first,
// in one round trip: what an agent's cache begins with.

#include "files/array_answer.hpp"
#include "files/commands.hpp"
#include "files/fields.hpp"
#include "files/folder.hpp"

#include <algorithm>
#include <deque>

namespace holt::files {

namespace {

constexpr std::uint64_t max_depth = 64;
constexpr std::uint64_t default_depth = 3;
constexpr std::uint64_t default_hashed = 64 * 1024;        ///< bytes of one file
constexpr std::uint64_t max_hashed = 16 * 1024 * 1024;     ///< bytes of one file
constexpr std::uint64_t max_hashed_all = 64 * 1024 * 1024; ///< bytes of all: about 50 ms

struct waiting_folder {
  jailed_path where;
  std::uint64_t depth = 0; ///< of its entries, from 1
};

} // namespace

outcome run_tree(const file_context& context, const command& what) {
  field_reader from{what.body};
  const auto depth = from.number("depth", 1, max_depth).value_or(default_depth);
  const auto hash_max = from.number("hash_max", 0, max_hashed).value_or(default_hashed);
  const auto limit
    = from.number("limit", 1, context.limits.max_entries).value_or(context.limits.max_entries);
  const auto exclude = from.texts("exclude", {".git"});
  auto where = read_path(from, *context.jail, "path", ".");
  if (!where)
    return where.error();
  auto folder = open_folder(*context.jail, *where);
  if (!folder)
    return folder.error();
  command_outcome out;
  array_answer entries{context, what, "entries"};
  std::deque<waiting_folder> todo{{*where, 1}};
  std::uint64_t hashed = 0;
  std::size_t unreadable = 0;
  bool limited = false;
  bool full = false;
  for (bool first = true; !todo.empty() && !limited && !full; first = false) {
    auto here = std::move(todo.front());
    todo.pop_front();
    if (!first)
      folder = open_folder(*context.jail, here.where);
    auto names = folder ? entries_in(context, folder->fd.get(), here.where.shown)
                        : result<std::vector<folder_entry>>{folder.error()};
    if (is_cancelled(context))
      return cancelled_error();
    if (!names && first)
      return names.error();
    if (!names) {
      ++unreadable;
      continue;
    }
    for (const auto& [name, type] : *names) {
      const auto path = below(here.where.shown, name);
      auto look = look_at(folder->fd.get(), name, path);
      if (!look || !look->exists())
        continue;
      auto entry = entry_json(name, path, *look);
      if (look->type == entry_type::file && look->size <= hash_max
          && hashed + look->size <= max_hashed_all) {
        hashed += look->size;
        if (auto file = open_regular(folder->fd.get(), name, path))
          if (auto text = hash_file(context, file->fd.get(), path))
            entry["sha256"] = std::move(*text);
      }
      if (limited = entries.size() == limit; limited)
        break;
      if (full = !entries.add(std::move(entry)); full)
        break;
      if (look->type == entry_type::directory && here.depth < depth
          && std::find(exclude.begin(), exclude.end(), name) == exclude.end())
        todo.push_back({{here.where.root, below(here.where.below, name), path}, here.depth + 1});
    }
  }
  if (is_cancelled(context))
    return cancelled_error();
  entries.finish(out);
  out.fields["truncated"] = limited || full;
  if (limited || full)
    out.fields["truncation_reason"] = limited ? "limit" : "budget";
  if (unreadable > 0)
    out.fields["unreadable"] = unreadable;
  return out;
}

} // namespace holt::files
