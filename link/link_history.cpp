// SPDX-License-Identifier: Apache-2.0
#include "link/link_history.hpp"

#include <algorithm>
#include <limits>

namespace holt::link {

namespace {

constexpr wall_ms still_open = std::numeric_limits<wall_ms>::max();

/// ms: messages lost so close to each other are one span.
constexpr wall_ms merge_within = 1'000;

/// a - b, for times that may come from a broken clock or from outside.
wall_ms minus(wall_ms a, wall_ms b) {
  wall_ms out = 0;
  return __builtin_sub_overflow(a, b, &out)
           ? (a < b ? std::numeric_limits<wall_ms>::min() : std::numeric_limits<wall_ms>::max())
           : out;
}

} // namespace

link_history::link_history(wall_ms silent_since, history_limits limits) : limits_(limits) {
  outages_.push_back({silent_since, still_open});
}

void link_history::add(std::vector<span>& to, span what) const {
  to.push_back(what);
  if (to.size() > limits_.spans)
    to.erase(to.begin());
}

void link_history::up(wall_ms now) {
  if (up_)
    return;
  up_ = true;
  outages_.back().to = std::max(now, outages_.back().from);
}

void link_history::down(wall_ms since) {
  if (!up_)
    return;
  up_ = false;
  add(outages_, {since, still_open});
}

void link_history::listeners(bool somebody, wall_ms now) {
  if (somebody == somebody_)
    return;
  somebody_ = somebody;
  if (somebody)
    alone_.back().to = std::max(now, alone_.back().from);
  else
    add(alone_, {now, still_open});
}

void link_history::lost(wall_ms at) {
  // Not an outage: rule 5 is about the latest one of those.
  if (!alone_.empty()) {
    auto& last = alone_.back();
    if (last.from <= at && minus(at, last.to) < merge_within) {
      last.to = std::max(last.to, at);
      return;
    }
  }
  if (somebody_)
    add(alone_, {at, at});
}

bool link_history::may_be_lost(wall_ms finished_at, wall_ms sent_at, wall_ms now) const {
  const auto age = minus(now, finished_at);
  if (age < limits_.fresh)
    return true;
  if (age > limits_.anonymous_age)
    return false;
  for (const auto& s : outages_)
    if (sent_at >= minus(s.from, limits_.before_outage) && sent_at <= s.to)
      return true;
  for (const auto& s : alone_)
    if (sent_at >= s.from && sent_at <= s.to)
      return true;
  return false;
}

bool link_history::may_be_stray(bool anonymous, wall_ms answered_at, wall_ms now) const {
  return minus(now, answered_at) < (anonymous ? limits_.fresh : limits_.stray_copy);
}

bool link_history::to_rebroadcast(wall_ms finished_at, wall_ms sent_at, wall_ms now) const {
  const auto& last = outages_.back();
  return minus(now, finished_at) < limits_.rebroadcast_age
         && sent_at >= minus(last.from, limits_.before_outage) && sent_at <= last.to;
}

} // namespace holt::link
