// SPDX-License-Identifier: Apache-2.0
#pragma once

// How often something died, and what follows from it: the delay before the next start, or that
// the budget is used up. Owned by one child or group; pure, no clock and no random source.

#include "supervisor/child_spec.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace holt::supervision {

using time_point = std::chrono::steady_clock::time_point;

class restart_ledger {
public:
  /// Enters a death. Returns the delay before the next start, or nothing when the budget is used
  /// up. `random` lies in [0,1). The delay is 0 only for the first death after proved_healthy().
  std::optional<milliseconds> enter_death(time_point now, const budget_policy& budget,
                                          const backoff_policy& backoff, double random);

  /// Takes the last death back when it is younger than `age`: it was somebody else's fault.
  void forgive(time_point now, milliseconds age);

  /// It was ready for long enough: delays start over, the next restart is immediate.
  void prove_healthy();

  /// As if it had never died.
  void reset();

  /// Deaths within (now - window, now].
  unsigned used(time_point now, milliseconds window) const;

  unsigned attempt() const noexcept { return attempt_; }

private:
  std::vector<time_point> deaths_; ///< at most budget.deaths + 1, oldest first
  unsigned attempt_ = 0;           ///< delays given since the last reset
  bool healthy_ = false;
  bool was_healthy_ = false; ///< before the last death, for forgive()
};

/// min × factor^attempt with jitter, within [min, max].
milliseconds backoff_delay(const backoff_policy& policy, unsigned attempt, double random);

} // namespace holt::supervision
