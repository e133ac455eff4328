// SPDX-License-Identifier: Apache-2.0
#include "actors/activity.hpp"

#include "supervisor/guards.hpp"

#include <unordered_map>

namespace holt {

namespace {

struct activity_state {
  static inline const char* name = "activity";
  activity_log log;
  std::unordered_map<std::uint64_t, std::function<bool(const activity_event&)>> followers;
};

using self_ptr = activity_actor::stateful_pointer<activity_state>;

void append(activity_state& state, const std::string& kind, const nlohmann::json& data) {
  auto event = state.log.append(kind, data, std::chrono::system_clock::now());
  std::erase_if(state.followers, [&](const auto& follower) { return !follower.second(event); });
}

activity_actor::behavior_type behavior(self_ptr self, std::size_t capacity) {
  install_guards(self);
  self->state.log = activity_log{capacity};
  return {
    [self](const activity_append& what) { append(self->state, what.kind, what.data); },
    [self](const activity_append_all& what) {
      for (const auto& one : what.data)
        append(self->state, what.kind, one);
    },
    [self](const activity_query& what) {
      activity_page page;
      page.events = self->state.log.after(what.after, what.limit);
      page.next = page.events.empty() ? self->state.log.last() : page.events.back().seq;
      page.first = self->state.log.first();
      what.answer(std::move(page));
    },
    [self](const activity_follow& what) {
      // A number from before a restart of the feed: all there is is news.
      auto after = what.after > self->state.log.last() ? 0 : what.after;
      for (const auto& event : self->state.log.after(after, SIZE_MAX))
        if (!what.sink(event))
          return;
      self->state.followers[what.follower] = what.sink;
    },
    [self](const activity_unfollow& what) { self->state.followers.erase(what.follower); },
  };
}

} // namespace

activity_actor spawn_activity(caf::actor_system& system, std::size_t capacity) {
  return system.spawn(behavior, capacity);
}

} // namespace holt
