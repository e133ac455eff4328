// SPDX-License-Identifier: Apache-2.0
#pragma once

// What people did on the desktop, as short entries for an agent that goes on after them: clicks,
// drags, wheel, keys by name, typed characters by their number (the text only where it is wanted).
// Moves that belong together are one entry until somebody reads. Keeps the newest entries.
// Thread-safe.

#include "actors/control_standing.hpp"
#include "desktop/hand_watch.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

namespace holt {

class hand_log {
public:
  using clock = std::chrono::system_clock;

  explicit hand_log(bool with_text) : with_text_{with_text} {}

  void add(const desktop::hand_event& what, const control::standing& now,
           clock::time_point at = clock::now());

  /// `{entries[], next, first}` of the entries behind `after`, at most `limit`. What is told once
  /// does not change any more.
  nlohmann::json page(std::uint64_t after, std::size_t limit);

private:
  struct entry {
    std::uint64_t seq = 0;
    std::string kind;
    clock::time_point last{}; ///< move that joined it
    nlohmann::json data;
  };
  entry& begin(const char* kind, const desktop::hand_event& what, const control::standing& now,
               clock::time_point at);
  /// The entry in hand when it is of this kind, of the same person and window, and not too old.
  entry* open(const char* kind, const desktop::hand_event& what, const control::standing& now,
              clock::time_point at, std::chrono::milliseconds limit);
  void add_up(const desktop::hand_event& what, const control::standing& now, clock::time_point at);
  void add_wheel(const desktop::hand_event& what, const control::standing& now,
                 clock::time_point at);
  void add_key(const desktop::hand_event& what, const control::standing& now, clock::time_point at);

  const bool with_text_;
  std::mutex mutex_;
  std::deque<entry> entries_;
  std::uint64_t last_seq_ = 0;
  bool closed_ = true; ///< the newest entry was read: nothing joins it
  std::map<unsigned, desktop::hand_event> down_;
};

using hand_log_ptr = std::shared_ptr<hand_log>;

} // namespace holt
