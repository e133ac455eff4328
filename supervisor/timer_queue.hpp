// SPDX-License-Identifier: Apache-2.0
#pragma once

// All armed timers of one tree, by deadline. Owned by the tree; pure, so the actor above needs
// only one delayed message for the next deadline, and a cancelled timer leaves nothing behind.

#include "supervisor/child_machine.hpp"

#include <map>
#include <optional>
#include <set>
#include <tuple>

namespace holt::supervision {

class timer_queue {
public:
  using owner = std::uint64_t;

  struct due_timer {
    owner who = 0;
    timer which = timer::ready_timeout;
    timer_epoch epoch{};
  };

  /// Arms or re-arms; each owner has each timer at most once.
  void arm(owner who, timer which, timer_epoch epoch, time_point at) {
    cancel(who, which);
    by_owner_[{who, which}] = at;
    by_time_.insert({at, who, which, epoch});
  }

  void cancel(owner who, timer which) {
    auto i = by_owner_.find({who, which});
    if (i == by_owner_.end())
      return;
    auto first = by_time_.lower_bound({i->second, who, which, timer_epoch{}});
    by_time_.erase(first);
    by_owner_.erase(i);
  }

  void cancel_all(owner who) {
    for (std::size_t i = 0; i < timer_count; ++i)
      cancel(who, static_cast<timer>(i));
  }

  std::optional<time_point> next() const {
    if (by_time_.empty())
      return std::nullopt;
    return std::get<0>(*by_time_.begin());
  }

  /// Takes out the first timer that is due at `now`.
  std::optional<due_timer> pop(time_point now) {
    if (by_time_.empty() || std::get<0>(*by_time_.begin()) > now)
      return std::nullopt;
    auto [at, who, which, epoch] = *by_time_.begin();
    by_time_.erase(by_time_.begin());
    by_owner_.erase({who, which});
    return due_timer{who, which, epoch};
  }

  std::size_t size() const noexcept { return by_time_.size(); }

private:
  std::set<std::tuple<time_point, owner, timer, timer_epoch>> by_time_;
  std::map<std::pair<owner, timer>, time_point> by_owner_;
};

} // namespace holt::supervision
