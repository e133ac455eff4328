// SPDX-License-Identifier: Apache-2.0
#pragma once

// `resume`: walks through a src's unreleased results, a page at a time, no faster than allowed.
// Takes the journal's pages and says what to send; owned by actors/commands, one for each request.
// No clock, no journal, no socket.

#include "link/answer_memory.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace holt::link {

class resume_walk {
public:
  struct limits {
    std::size_t page = 16; ///< rows read at once
    wall_ms pause = 100;   ///< ms between pages, unless the link is unlimited
  };
  resume_walk(std::string src, std::uint64_t after, limits how);
  resume_walk(std::string src, std::uint64_t after)
    : resume_walk(std::move(src), after, limits{}) {}

  const std::string& src() const noexcept { return src_; }
  std::uint64_t after() const noexcept { return after_; } ///< for journal_store::unreleased
  std::size_t page() const noexcept { return limits_.page; }
  /// A page came: what to send now.
  std::vector<shared_text> rows(const std::vector<journal_row>& page, wall_ms now);
  bool finished() const noexcept { return finished_; }
  wall_ms next_at() const noexcept { return next_at_; } ///< when to ask for the next page
  std::size_t sent() const noexcept { return sent_; }

private:
  std::string src_;
  std::uint64_t after_;
  limits limits_;
  wall_ms next_at_ = 0;
  std::size_t sent_ = 0;
  bool finished_ = false;
};

} // namespace holt::link
