// SPDX-License-Identifier: Apache-2.0
#pragma once

// Messages of a remote Realtime that were heard and not dealt with, because what stands above has
// just ended: kept, in their order, for its next life. Outlives channels and their ports; nothing
// survives the daemon (agents send again). Thread-safe; bounded, the oldest goes first.

#include "link/link_port.hpp"

#include <map>
#include <mutex>

namespace holt::link {

class link_backlog final : public link_source, public std::enable_shared_from_this<link_backlog> {
public:
  struct limits {
    std::size_t messages = 10'000;
    std::size_t bytes = 16ull << 20; ///< of payloads
  };
  explicit link_backlog(limits most) : limits_{most} {}
  link_backlog() : link_backlog{limits{}} {}

  /// A message that comes: gets its place, and comes back here if nobody deals with it.
  void adopt(link_message& what);
  /// All that came back, in order, adopted again at the places they had.
  std::vector<link_message> take();
  std::uint64_t dropped() const;

  // -- link_source
  void settled(const link_message& what) override;
  void take_back(link_message what) override;

private:
  const limits limits_;
  mutable std::mutex mutex_; ///< guards the rest
  std::int64_t last_ = 0;
  std::map<std::int64_t, link_message> waiting_; ///< by place
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
};

} // namespace holt::link
