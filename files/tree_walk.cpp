// SPDX-License-Identifier: Apache-2.0
#include "files/tree_walk.hpp"

namespace holt::files {

result<void> tree_walk::run(int folder,
                            const std::function<walk_step(const tree_entry&)>& on_entry) {
  auto entries = entries_in(context_, folder, shown_);
  if (!entries)
    return entries.error();
  walk(folder, 0, std::move(*entries), on_entry);
  if (is_cancelled(context_))
    return cancelled_error();
  return {};
}

bool tree_walk::walk(int folder, std::size_t depth, std::vector<folder_entry> entries,
                     const std::function<walk_step(const tree_entry&)>& on_entry) {
  const auto base = path_.size();
  for (const auto& [name, type] : entries) {
    if (is_cancelled(context_))
      return false;
    if (++visited_ > max_visited) {
      out_of_budget_ = true;
      return false;
    }
    path_.resize(base);
    path_ += name;
    auto next = on_entry({name, path_, type, folder, depth});
    if (next == walk_step::stop)
      return false;
    if (next != walk_step::descend || type != entry_type::directory)
      continue;
    auto inner = depth < max_depth ? open_folder(folder, name, path_)
                                   : result<open_folder_result>{error{errc::io, ""}};
    auto below = inner ? entries_in(context_, inner->fd.get(), path_)
                       : result<std::vector<folder_entry>>{inner.error()};
    if (!below) {
      ++unreadable_;
      continue;
    }
    path_ += '/';
    if (!walk(inner->fd.get(), depth + 1, std::move(*below), on_entry))
      return false;
  }
  path_.resize(base);
  return true;
}

void put_truncation(nlohmann::json& fields, const tree_walk& walk, bool limit, bool full) {
  if (walk.unreadable() > 0)
    fields["unreadable"] = walk.unreadable();
  const bool budget = full || walk.out_of_budget();
  fields["truncated"] = limit || budget;
  if (limit || budget)
    fields["truncation_reason"] = limit ? "limit" : "budget";
}

} // namespace holt::files
