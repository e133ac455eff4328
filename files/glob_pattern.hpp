// SPDX-License-Identifier: Apache-2.0
#pragma once

// A glob pattern, compiled: `*`, `?`, `[a-z]`, `[!a-z]`, `\x`, `{a,b}`, and `**` for any number of
// folders. Without a `/` it is about the name, at any depth; with one about the path. Pure;
// matching takes time linear in the path and never backtracks over folders. A path is walked one
// name at a time, so that a search leaves out what cannot match.

#include "messages/error.hpp"

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holt::files {

/// Whether one name matches one component. `hidden`: wildcards also match a leading dot.
bool match_name(std::string_view pattern, std::string_view name, bool hidden) noexcept;

class glob_pattern {
public:
  static constexpr std::size_t max_bytes = 4096;
  static constexpr std::size_t max_parts = 512; ///< components of all alternatives together

  /// invalid_request: empty, too long, too many alternatives, `..`, an open bracket or brace.
  static result<glob_pattern> compile(std::string_view pattern, bool hidden);

  /// Where in the pattern a walk stands, for all alternatives at once.
  using state = std::bitset<max_parts>;

  state start() const noexcept;
  /// After one more name. Empty (none()): nothing below can match.
  state step(const state& from, std::string_view name) const;
  bool accepts(const state& at) const noexcept;
  /// Only a folder matches: the pattern ends in `/`.
  bool only_folders() const noexcept { return only_folders_; }

  /// A whole relative path.
  bool matches(std::string_view path) const;

  /// Names at the front without wildcards, unescaped, when there is but one alternative: where to
  /// begin.
  std::vector<std::string> fixed_front() const;

private:
  glob_pattern() = default;
  void close(state& at) const noexcept;

  struct part {
    std::string text;
    bool any_depth = false; ///< `**`
    bool last = false;      ///< of its alternative: accepts
  };
  /// All alternatives one after the other; each ends in a part that only accepts.
  std::vector<part> parts_;
  std::vector<std::size_t> starts_;
  bool hidden_ = false;
  bool only_folders_ = false;
};

} // namespace holt::files
