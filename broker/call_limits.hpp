// SPDX-License-Identifier: Apache-2.0
#pragma once

// Two ways to count what somebody may ask for: so many in a window that begins with the first of
// them (presence calls, as the real server counts), and so many a second with a reserve for bursts
// (messages, joins). Pure values: time comes from the caller, who also has the lock.

#include <algorithm>
#include <chrono>
#include <utility>

namespace holt::broker {

using call_time = std::chrono::steady_clock::time_point;

class window_limit {
public:
  /// `most` in each `window`; 0: unlimited.
  window_limit(unsigned most, std::chrono::milliseconds window) : most_{most}, window_{window} {}

  /// False: one more is too many.
  bool take(call_time now) {
    if (most_ == 0)
      return true;
    if (used_ == 0 || now >= begun_ + window_) {
      begun_ = now;
      used_ = 0;
    }
    if (used_ >= most_)
      return false;
    ++used_;
    return true;
  }

private:
  unsigned most_;
  std::chrono::milliseconds window_;
  unsigned used_ = 0;
  call_time begun_;
};

class rate_limit {
public:
  /// `a_second` on average, and `burst` seconds' worth of them at once; 0: unlimited.
  rate_limit(unsigned a_second, std::chrono::seconds burst, call_time now)
    : a_second_{static_cast<double>(a_second)},
      most_{a_second_ * static_cast<double>(burst.count())},
      left_{most_},
      at_{now} {}

  bool take(call_time now) {
    if (a_second_ == 0)
      return true;
    const std::chrono::duration<double> since = now - std::exchange(at_, now);
    left_ = std::min(most_, left_ + since.count() * a_second_);
    if (left_ < 1)
      return false;
    left_ -= 1;
    return true;
  }

private:
  double a_second_;
  double most_;
  double left_;
  call_time at_;
};

} // namespace holt::broker
