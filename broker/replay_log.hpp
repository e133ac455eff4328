// SPDX-License-Identifier: Apache-2.0
#pragma once

// What was said lately in private channels, for members that ask for it when they join
// (`broadcast.replay` of phx_join): the newest messages of each channel, in memory, for as long as
// the broker lives; also when nobody is in the channel any more. Bounded for a channel and in all;
// the channel in which nothing was said for longest goes first. Thread-safe; called under a room's
// lock, calls nobody.

#include "broker/join_config.hpp"
#include "broker/mailbox.hpp"
#include "broker/outgoing.hpp"

#include <chrono>
#include <deque>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace holt::broker {

struct replay_limits {
  std::size_t channel_bytes = 1u << 20; ///< payloads of one channel; a larger message is not kept
  std::size_t bytes = 16u << 20;        ///< payloads of all
  std::size_t channels = 4'096;
  std::chrono::milliseconds age{std::chrono::hours{72}};
};

class replay_log {
public:
  explicit replay_log(replay_limits how = {}) : how_{how} {}

  /// `id`: of the message; empty: it gets one when it is first replayed. `now`: ms since 1970.
  void keep(const std::string& channel, side from, const outgoing_ptr& what, std::string id,
            std::int64_t now);

  /// The newest that were said since and that speak to `reader`, oldest first; each with the same
  /// id whenever it is asked for.
  std::vector<letter> since(const std::string& channel, side reader, const replay_wish& wish,
                            std::int64_t now);

  /// Forgets channels in which nothing was said for too long.
  void sweep(std::int64_t now);

  std::size_t channels() const;
  std::size_t bytes() const;

private:
  struct entry {
    std::int64_t at = 0;
    side from = side::unknown;
    outgoing_ptr what;
    std::string id;
  };
  struct channel_log {
    std::string name;
    std::deque<entry> entries; ///< oldest first
    std::size_t bytes = 0;
  };
  using place = std::list<channel_log>::iterator;

  // with the lock
  void drop_oldest(channel_log& from);
  void drop(place what);

  const replay_limits how_;
  mutable std::mutex mutex_;        ///< guards the rest
  std::list<channel_log> channels_; ///< the one that was silent for longest first
  std::unordered_map<std::string, place> places_;
  std::size_t bytes_ = 0;
};

/// Milliseconds since 1970.
std::int64_t now_milliseconds() noexcept;

} // namespace holt::broker
