// SPDX-License-Identifier: Apache-2.0
#pragma once

// The ordered feed as a plain value: a ring of the newest events, each with a sequence number
// that never repeats while the daemon lives. Owned by the activity actor; no I/O, no clock.

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holt {

/// One event, serialized once and shared by all readers.
struct activity_event {
  std::uint64_t seq = 0;
  std::shared_ptr<const std::string> text; ///< {"seq","ts","kind","data"}
};

class activity_log {
public:
  explicit activity_log(std::size_t capacity = 10'000, std::size_t max_bytes = 16 * 1024 * 1024);

  /// `kind`: supervision, control, session, desktop, daemon. An event above 64 KiB is replaced by
  /// a note of its size.
  const activity_event& append(std::string_view kind, const nlohmann::json& data,
                               std::chrono::system_clock::time_point now);

  /// At most `limit` events with a number above `after`, oldest first.
  std::vector<activity_event> after(std::uint64_t after, std::size_t limit) const;

  /// Number of the newest event; 0 when there was none.
  std::uint64_t last() const noexcept { return last_; }
  /// Number of the oldest event that is kept; last() + 1 when there is none.
  std::uint64_t first() const noexcept;

private:
  std::size_t capacity_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
  std::deque<activity_event> events_;
};

} // namespace holt
