// SPDX-License-Identifier: Apache-2.0
#pragma once

// One channel of agents as a child of the tree: opens its port (Supabase Realtime or the own
// broker), hands what it hears to `commands`, within a bound, and closes the port when it ends. The
// port itself knows how to come back after an outage; this actor is restarted when the commands
// are.

#include "actors/commands.hpp"
#include "link/link_backlog.hpp"

namespace holt {

struct realtime_channel_deps {
  std::size_t number = 0; ///< of the link
  /// Joins; the events may come at once and from any thread.
  std::function<result<link::link_port_ptr>(link::link_events)> open;
  nlohmann::json presence;
  actor_ref<caf::actor> commands;
  std::shared_ptr<command_inbox> inbox;
  /// Of a remote Realtime: what former lives of `commands` left. The own broker has its mailbox.
  std::shared_ptr<link::link_backlog> backlog;
  std::size_t inbox_bytes = 64 * 1024 * 1024; ///< of messages that wait; more are dropped
  std::function<void(std::string why)> on_fault;
};

caf::actor spawn_realtime_channel(caf::actor_system& system, realtime_channel_deps deps);

} // namespace holt
