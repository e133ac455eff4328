// SPDX-License-Identifier: Apache-2.0
#pragma once

// Walks a tree depth first, names in order, links not followed: what glob and grep search with.
// Bounded in entries and depth; what cannot be read is counted and left out.

#include "files/folder.hpp"

#include <functional>

namespace holt::files {

struct tree_entry {
  const std::string& name;
  const std::string& path; ///< relative to where the walk began
  entry_type type;
  int folder;        ///< that holds it
  std::size_t depth; ///< from 0
};

enum class walk_step : std::uint8_t { go_on, descend, stop };

class tree_walk {
public:
  static constexpr std::size_t max_visited = 2'000'000;
  static constexpr std::size_t max_depth = 200; ///< descriptors held

  tree_walk(const file_context& context, std::string_view shown)
    : context_{context}, shown_{shown} {}

  /// An error is `cancelled`, or about the folder where it begins.
  result<void> run(int folder, const std::function<walk_step(const tree_entry&)>& on_entry);

  bool out_of_budget() const noexcept { return out_of_budget_; }
  std::size_t unreadable() const noexcept { return unreadable_; }

private:
  /// False: stop.
  bool walk(int folder, std::size_t depth, std::vector<folder_entry> entries,
            const std::function<walk_step(const tree_entry&)>& on_entry);

  const file_context& context_;
  std::string_view shown_;
  std::string path_;
  std::size_t visited_ = 0;
  std::size_t unreadable_ = 0;
  bool out_of_budget_ = false;
};

/// `truncated` and `truncation_reason` (limit, budget) and `unreadable` of an answer.
void put_truncation(nlohmann::json& fields, const tree_walk& walk, bool limit, bool full);

} // namespace holt::files
