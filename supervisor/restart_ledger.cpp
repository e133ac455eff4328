// SPDX-License-Identifier: Apache-2.0
#include "supervisor/restart_ledger.hpp"

#include <algorithm>
#include <cmath>

namespace holt::supervision {

milliseconds backoff_delay(const backoff_policy& policy, unsigned attempt, double random) {
  const auto min = static_cast<double>(policy.min.count());
  const auto max = static_cast<double>(policy.max.count());
  // 64 doublings are far beyond any max; the bound keeps pow() finite.
  const auto base = std::min(max, min * std::pow(policy.factor, std::min(attempt, 64u)));
  const auto delay = base * (1.0 + policy.jitter * (2.0 * random - 1.0));
  return milliseconds{std::llround(std::clamp(delay, min, max))};
}

std::optional<milliseconds> restart_ledger::enter_death(time_point now, const budget_policy& budget,
                                                        const backoff_policy& backoff,
                                                        double random) {
  std::erase_if(deaths_, [&](time_point t) { return now - t >= budget.window; });
  deaths_.push_back(now);
  was_healthy_ = healthy_;
  healthy_ = false;
  if (deaths_.size() > budget.deaths) {
    // It gives up here, so the list never grows beyond this.
    deaths_.erase(deaths_.begin());
    return std::nullopt;
  }
  if (was_healthy_)
    return milliseconds{0};
  return backoff_delay(backoff, attempt_++, random);
}

void restart_ledger::forgive(time_point now, milliseconds age) {
  if (deaths_.empty() || now - deaths_.back() >= age)
    return;
  deaths_.pop_back();
  if (was_healthy_)
    healthy_ = true;
  else if (attempt_ > 0)
    --attempt_;
  was_healthy_ = false;
}

void restart_ledger::prove_healthy() {
  attempt_ = 0;
  healthy_ = true;
}

void restart_ledger::reset() {
  *this = restart_ledger{};
}

unsigned restart_ledger::used(time_point now, milliseconds window) const {
  return static_cast<unsigned>(
    std::count_if(deaths_.begin(), deaths_.end(), [&](time_point t) { return now - t < window; }));
}

} // namespace holt::supervision
