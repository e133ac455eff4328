// SPDX-License-Identifier: Apache-2.0

// fs.grep: lines that hold a literal or match an expression, in the files of a tree or in one file.

#include "files/array_answer.hpp"
#include "files/commands.hpp"
#include "files/fields.hpp"
#include "files/glob_pattern.hpp"
#include "files/line_search.hpp"
#include "files/tree_walk.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <limits>

namespace holt::files {

namespace {

constexpr std::size_t max_context = 50;
constexpr std::size_t binary_probe = 32 * 1024; ///< a NUL among the first bytes: no text
constexpr std::size_t max_line = 4096;          ///< bytes of a line in the answer
constexpr std::size_t before_match = 512;       ///< of them before the match when it is cut

struct grep_request {
  std::optional<line_search> search;
  std::optional<glob_pattern> filter;
  jailed_path base;
  std::vector<std::string> exclude; ///< names of folders
  std::uint64_t max_count = 0;
  std::uint64_t max_per_file = 0;
  bool hidden = true;
  bool binary = false;
  bool files_only = false;
};

result<grep_request> read_body(const file_context& context, const command& what) {
  field_reader from{what.body};
  grep_request out;
  const auto pattern = from.text("pattern");
  line_search::how how;
  how.regex = from.flag("regex", false);
  how.ignore_case = from.flag("ignore_case", false);
  how.whole_word = from.flag("word", false);
  const auto around = from.number("context", 0, max_context).value_or(0);
  how.before = from.number("before", 0, max_context).value_or(around);
  how.after = from.number("after", 0, max_context).value_or(around);
  const auto most = context.limits.max_matches;
  const auto count = from.number("max_count", 1, std::numeric_limits<std::int64_t>::max());
  const auto limit = from.number("limit", 1, std::numeric_limits<std::int64_t>::max());
  out.max_count
    = std::min<std::uint64_t>(most, std::min(count.value_or(most), limit.value_or(most)));
  out.max_per_file = from.number("max_per_file", 1, most).value_or(most);
  out.hidden = from.flag("hidden", true);
  out.binary = from.flag("binary", false);
  out.files_only = from.flag("files_only", false);
  out.exclude = from.texts("skip", from.texts("exclude", {".git"}));
  const auto glob = from.optional_text("glob");
  auto base = read_path(from, *context.jail, "path", ".");
  if (!base)
    return base.error();
  out.base = std::move(*base);
  auto search = line_search::compile(pattern, how);
  if (!search)
    return search.error();
  out.search.emplace(std::move(*search));
  if (!glob)
    return out;
  auto filter = glob_pattern::compile(*glob, true);
  if (!filter) // it speaks of a pattern, which is another field here
    return error{filter.error().code, "glob, as a " + filter.error().detail};
  out.filter.emplace(std::move(*filter));
  return out;
}

/// At most max_line bytes of it, so that the match is among them; cut between code points.
std::string_view shortened(std::string_view text, std::size_t match, bool& cut) {
  if (text.size() <= max_line)
    return text;
  cut = true;
  auto is_inner = [&](std::size_t i) {
    return i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0u) == 0x80u;
  };
  auto begin = match > before_match ? match - before_match : 0;
  while (begin > 0 && is_inner(begin))
    --begin;
  auto end = std::min(text.size(), begin + max_line);
  while (end > begin && is_inner(end))
    --end;
  return text.substr(begin, end - begin);
}

nlohmann::json context_lines(const std::vector<std::string_view>& lines) {
  auto out = nlohmann::json::array();
  for (auto line : lines) {
    bool cut = false;
    out.push_back(printable(shortened(line, 0, cut)));
  }
  return out;
}

/// One search through files, as they come.
class search_run {
public:
  search_run(const file_context& context, const command& what, const grep_request& want)
    : context_{context}, want_{want}, matches_{context, what, "matches"} {}

  /// False: no more is wanted.
  bool file(const open_file& file, const std::string& path) {
    if (file.look.size > context_.limits.max_read) {
      ++skipped_;
      return true;
    }
    auto text = read_whole(context_, file, path, context_.limits.max_read);
    if (!text) {
      ++unreadable_;
      return true;
    }
    ++searched_;
    if (!want_.binary
        && std::memchr(text->data(), '\0', std::min(text->size(), binary_probe)) != nullptr)
      return true;
    std::uint64_t here = 0;
    want_.search->run(*text, [&](const found_line& line) {
      if (limit = matches_.size() == want_.max_count; limit)
        return false;
      if (full = !matches_.add(to_json(line, path)); full)
        return false;
      return !want_.files_only && ++here < want_.max_per_file && !is_cancelled(context_);
    });
    return !limit && !full;
  }

  void unreadable() { ++unreadable_; }

  void finish(command_outcome& into, const tree_walk& walk) {
    matches_.finish(into);
    put_truncation(into.fields, walk, limit, full);
    into.fields["files_searched"] = searched_;
    if (auto all = unreadable_ + walk.unreadable(); all > 0)
      into.fields["unreadable"] = all;
    if (skipped_ > 0)
      into.fields["skipped_large"] = skipped_;
  }

  bool limit = false;
  bool full = false;

private:
  nlohmann::json to_json(const found_line& line, const std::string& path) const {
    auto out = nlohmann::json::object();
    put_path(out, "path", path);
    if (want_.files_only)
      return out;
    out["line"] = line.number;
    out["column"] = line.at + 1;
    bool cut = false;
    put_bytes(out, "text", shortened(line.text, line.at, cut));
    if (cut)
      out["cut"] = true;
    if (!line.before.empty())
      out["before"] = context_lines(line.before);
    if (!line.after.empty())
      out["after"] = context_lines(line.after);
    return out;
  }

  const file_context& context_;
  const grep_request& want_;
  array_answer matches_;
  std::size_t searched_ = 0;
  std::size_t unreadable_ = 0;
  std::size_t skipped_ = 0;
};

outcome search_folder(const file_context& context, const grep_request& want, search_run& run) {
  auto folder = open_folder(*context.jail, want.base);
  if (!folder)
    return folder.error();
  command_outcome out;
  tree_walk walk{context, want.base.shown};
  auto walked = walk.run(folder->fd.get(), [&](const tree_entry& one) {
    if (!want.hidden && one.name.starts_with('.'))
      return walk_step::go_on;
    if (one.type == entry_type::directory)
      return std::find(want.exclude.begin(), want.exclude.end(), one.name) == want.exclude.end()
               ? walk_step::descend
               : walk_step::go_on;
    if (one.type != entry_type::file || (want.filter && !want.filter->matches(one.path)))
      return walk_step::go_on;
    const auto path = below(want.base.shown, one.path);
    auto file = open_regular(one.folder, one.name, path);
    if (!file) {
      run.unreadable();
      return walk_step::go_on;
    }
    return run.file(*file, path) ? walk_step::go_on : walk_step::stop;
  });
  if (!walked)
    return walked.error();
  run.finish(out, walk);
  return out;
}

} // namespace

outcome run_grep(const file_context& context, const command& what) {
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  auto seen = context.jail->open_at(want->base, O_PATH);
  if (!seen)
    return seen.error();
  auto look = look_at(seen->get(), want->base.shown);
  if (!look)
    return look.error();
  search_run run{context, what, *want};
  if (look->type == entry_type::directory)
    return search_folder(context, *want, run);
  auto file = open_regular(*context.jail, want->base);
  if (!file)
    return file.error();
  run.file(*file, want->base.shown);
  if (is_cancelled(context))
    return cancelled_error();
  command_outcome out;
  run.finish(out, tree_walk{context, want->base.shown});
  return out;
}

} // namespace holt::files
