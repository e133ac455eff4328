// SPDX-License-Identifier: Apache-2.0
#pragma once

// When the link was down, or nobody listened: what tells whether an answer may not have arrived
// (docs/protocol-sbx1.md, section 5, rules 3 and 5). A value without a clock: copy it into a
// message where another thread must judge. Bounded: the latest spans only.

#include "link/journal_store.hpp"

#include <cstddef>
#include <vector>

namespace holt::link {

struct history_limits {
  wall_ms fresh = 5'000;               ///< ms: an answer this young may still be on its way
  wall_ms before_outage = 5'000;       ///< ms before an outage in which an answer may be lost
  wall_ms rebroadcast_age = 60'000;    ///< ms: older answers are not sent again after a rejoin
  wall_ms anonymous_age = 15 * 60'000; ///< ms: older answers never answer a repeat in scope anon
  /// ms: a copy of a released command that comes so soon was on its way already.
  wall_ms stray_copy = 60'000;
  std::size_t spans = 64; ///< remembered, of each kind
};

class link_history {
public:
  /// Starts down. `silent_since`: when the daemon's former life is last known to have worked
  /// (journal_store::last_activity); an outage from then on.
  explicit link_history(wall_ms silent_since, history_limits limits = {});

  void up(wall_ms now);
  /// `since`: when the last byte was heard; what was sent after it may be lost.
  void down(wall_ms since);
  bool is_up() const noexcept { return up_; }
  /// Own broker: whether an agent is joined.
  void listeners(bool somebody, wall_ms now);
  /// A message that the port did not take.
  void lost(wall_ms at);

  /// Rule 3: an answer that was finished and last sent then may not have arrived; in scope anon a
  /// repeat of its command is a duplicate.
  bool may_be_lost(wall_ms finished_at, wall_ms sent_at, wall_ms now) const;
  /// Rule 5: still young, and last sent during the latest outage or shortly before it.
  bool to_rebroadcast(wall_ms finished_at, wall_ms sent_at, wall_ms now) const;

  /// A copy of a command that was answered then, and released since, was on its way already.
  bool may_be_stray(bool anonymous, wall_ms answered_at, wall_ms now) const;

  const history_limits& limits() const noexcept { return limits_; }

private:
  struct span {
    wall_ms from = 0;
    wall_ms to = 0; ///< open: the largest value
  };
  void add(std::vector<span>& to, span what) const;

  history_limits limits_;
  std::vector<span> outages_; ///< oldest first; the last one open while down
  std::vector<span> alone_;   ///< nobody listened
  bool up_ = false;
  bool somebody_ = true;
};

} // namespace holt::link
