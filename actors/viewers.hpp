// SPDX-License-Identifier: Apache-2.0
#pragma once

// Knows every viewer and how the stream engine is, and tells the one about the other. Opens a
// signaling actor per browser below the tree's node `viewers`. Lives as long as the daemon.

#include "actors/actor_child.hpp"
#include "actors/control.hpp"
#include "supervisor/child_spec.hpp"
#include "transport/http_types.hpp"

#include <caf/all.hpp>

#include <atomic>

namespace holt {

/// The engine as it is now.
struct engine_status {
  signaling::engine_info info;
  engine_client_ptr client; ///< while it is ready
  bool stopped = false;     ///< on purpose
};

/// A browser wants to watch.
struct viewers_open {
  http::upgrade_ptr request;
  signaling::browser who; ///< its id is given by the receiver
};

/// The signaling actor runs; it hears viewers_engine at once and at every change.
struct viewers_join {
  control::viewer_id id{};
  caf::actor viewer;
};

struct viewers_leave {
  control::viewer_id id{};
};

struct viewers_engine {
  engine_status engine;
};

/// Everybody is told goodbye; `done` is called when all are gone or after the time limit.
struct viewers_goodbye {
  std::uint16_t code = 1001;
  std::string reason;
  std::chrono::milliseconds limit{1'000};
  std::function<void()> done;
};

/// The arbiter was restarted: everybody joins it again.
struct viewers_rejoin {};

struct viewers_query {
  std::function<void(std::size_t count, const engine_status&)> answer;
};

struct viewers_deps {
  boost::asio::io_context* io = nullptr;
  actor_ref<caf::actor> control;
  actor_ref<activity_actor> activity;
  signaling::policy policy;
  std::size_t max_viewers = 1'200;
  /// Goes on when the lobby is restarted: an old viewer is never taken for a new one.
  std::shared_ptr<std::atomic<std::uint64_t>> ids = std::make_shared<std::atomic<std::uint64_t>>(0);
  /// Puts a temporary child into the tree; the answer says why not.
  std::function<void(supervision::child_spec, std::function<void(result<void>)>)> add_child;
};

caf::actor spawn_viewers(caf::actor_system& system, viewers_deps deps, engine_status engine);

/// Used by the viewers actor only: one browser's connection.
caf::actor spawn_signaling(caf::actor_system& system, const viewers_deps& deps,
                           const caf::actor& viewers, const http::upgrade_ptr& request,
                           const signaling::browser& who);

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::viewers_open)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::viewers_join)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::viewers_leave)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::viewers_engine)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::viewers_goodbye)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::viewers_rejoin)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::viewers_query)
