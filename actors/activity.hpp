// SPDX-License-Identifier: Apache-2.0
#pragma once

// The feed of everything that happens, in order. Lives as long as the daemon; whoever has
// something to tell sends activity_append, whoever wants to know follows. A reader that cannot
// keep up is dropped by its own outbox, never waited for.

#include "actors/activity_log.hpp"

#include <caf/all.hpp>

#include <nlohmann/json.hpp>

#include <functional>

namespace holt {

struct activity_append {
  std::string kind;
  nlohmann::json data;
};

/// Several of one kind, in order.
struct activity_append_all {
  std::string kind;
  std::vector<nlohmann::json> data;
};

struct activity_page {
  std::vector<activity_event> events;
  std::uint64_t next = 0;  ///< ask again with after = next
  std::uint64_t first = 0; ///< oldest number kept: a larger gap was lost
};

struct activity_query {
  std::uint64_t after = 0;
  std::size_t limit = 1000;
  std::function<void(activity_page)> answer;
};

struct activity_follow {
  std::uint64_t follower = 0;                      ///< chosen by the caller, unique
  std::uint64_t after = 0;                         ///< replay from here
  std::function<bool(const activity_event&)> sink; ///< false: gone, stop
};

struct activity_unfollow {
  std::uint64_t follower = 0;
};

using activity_actor = caf::typed_actor<
  // Add an event now.
  caf::reacts_to<activity_append>, caf::reacts_to<activity_append_all>,
  // Answer a page of events.
  caf::reacts_to<activity_query>,
  // Replay, then pass on every further event in order.
  caf::reacts_to<activity_follow>,
  // Stop passing on.
  caf::reacts_to<activity_unfollow>>;

activity_actor spawn_activity(caf::actor_system& system, std::size_t capacity = 10'000);

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::activity_append)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::activity_append_all)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::activity_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::activity_follow)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::activity_unfollow)
