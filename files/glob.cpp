// SPDX-License-Identifier: Apache-2.0

// fs.glob: paths that a pattern matches, in order.

#include "files/array_answer.hpp"
#include "files/commands.hpp"
#include "files/fields.hpp"
#include "files/glob_pattern.hpp"
#include "files/tree_walk.hpp"

#include <fcntl.h>

namespace holt::files {

namespace {

enum class wanted : std::uint8_t { any, file, directory };

struct glob_request {
  glob_pattern pattern;
  glob_pattern::state begin; ///< behind the fixed front
  jailed_path base;
  bool base_given = false; ///< it must exist
  wanted type = wanted::any;
  std::uint64_t limit = 0;
  bool brief = false;
};

result<glob_request> read_body(const file_context& context, const command& what) {
  field_reader from{what.body};
  const auto text = from.text("pattern");
  const bool hidden = from.flag("hidden", false);
  const auto type = from.optional_text("kind").value_or("any");
  const auto limit = from.number("limit", 1, context.limits.max_entries);
  const bool brief = from.flag("brief", false);
  if (type != "any" && type != "file" && type != "directory")
    from.refuse(errc::invalid_request, "kind must be any, file or directory");
  if (from.wrong())
    return from.why();
  auto pattern = glob_pattern::compile(text, hidden);
  if (!pattern)
    return pattern.error();
  const auto front = pattern->fixed_front();
  auto begin = pattern->start();
  std::string behind;
  for (const auto& name : front) {
    begin = pattern->step(begin, name);
    behind += "/" + name;
  }
  auto base = text.front() == '/' ? context.jail->locate(behind.empty() ? "/" : behind)
                                  : read_path(from, *context.jail, "path", ".");
  if (!base)
    return base.error();
  if (text.front() != '/' && !front.empty()) {
    if (auto there = open_folder(*context.jail, *base); !there)
      return there.error();
    base->below = below(base->below, behind.substr(1));
    base->shown = below(base->shown, behind.substr(1));
  }
  const bool given = text.front() != '/' && front.empty();
  return glob_request{std::move(*pattern),
                      begin,
                      std::move(*base),
                      given,
                      type == "file"        ? wanted::file
                      : type == "directory" ? wanted::directory
                                            : wanted::any,
                      limit.value_or(context.limits.max_entries),
                      brief};
}

entry_type target_of(const file_context& context, const glob_request& want,
                     const std::string& path) {
  auto where = want.base;
  where.below = below(where.below, path);
  auto seen = context.jail->open_at(where, O_PATH);
  auto look = seen ? look_at(seen->get(), path) : result<entry_look>{entry_look{}};
  return look ? look->type : entry_type::absent;
}

bool is_wanted(const glob_request& want, entry_type type) {
  switch (want.type) {
  case wanted::file: return type == entry_type::file;
  case wanted::directory: return type == entry_type::directory;
  case wanted::any: return true;
  }
  return false;
}

} // namespace

outcome run_glob(const file_context& context, const command& what) {
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  command_outcome out;
  array_answer matches{context, what, "matches"};
  auto folder = open_folder(*context.jail, want->base);
  tree_walk walk{context, want->base.shown};
  // What the pattern says may not be there; where to look must be.
  if (!folder && (want->base_given || folder.error().code == errc::denied))
    return folder.error();
  if (!folder) {
    matches.finish(out);
    put_truncation(out.fields, walk, false, false);
    return out;
  }
  std::vector<glob_pattern::state> states{want->begin};
  bool limit = false;
  bool full = false;
  auto walked = walk.run(folder->fd.get(), [&](const tree_entry& one) {
    states.resize(one.depth + 1);
    auto here = want->pattern.step(states[one.depth], one.name);
    if (here.none())
      return walk_step::go_on;
    states.push_back(here);
    if (want->pattern.accepts(here)) {
      auto type = one.type;
      if (type == entry_type::symlink)
        type = target_of(context, *want, one.path);
      const bool folders_only = want->pattern.only_folders() && type != entry_type::directory;
      if (is_wanted(*want, type) && !folders_only) {
        if (limit = matches.size() == want->limit; limit)
          return walk_step::stop;
        const auto path = below(want->base.shown, one.path);
        nlohmann::json entry = path;
        if (!want->brief || !is_utf8(path)) {
          auto look = look_at(one.folder, one.name, path);
          if (!look || !look->exists())
            return walk_step::go_on;
          entry = entry_json(one.name, path, *look);
          if (one.type == entry_type::symlink)
            entry["target_type"] = to_string(type);
        }
        if (full = !matches.add(std::move(entry)); full)
          return walk_step::stop;
      }
    }
    return walk_step::descend;
  });
  if (!walked)
    return walked.error();
  matches.finish(out);
  put_truncation(out.fields, walk, limit, full);
  return out;
}

} // namespace holt::files
