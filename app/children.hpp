// SPDX-License-Identifier: Apache-2.0
#pragma once

// The whole static tree of one daemon, from its configuration: which children there are, and the
// names under which they find each other. Owned by the daemon.

#include "actors/control_gate.hpp"
#include "actors/desktop_children.hpp"
#include "actors/engine_children.hpp"
#include "actors/hand_log.hpp"
#include "actors/recorder.hpp"
#include "actors/runtime.hpp"
#include "actors/tree_client.hpp"
#include "app/config.hpp"
#include "app/link_parts.hpp"
#include "transport/process_killer.hpp"
#include "transport/spawner.hpp"

namespace holt {

/// What outlives every child.
struct shared_parts {
  runtime& rt;
  spawner& starter;
  process_killer& killer;
  actor_ref<activity_actor> activity;
  actor_ref<caf::actor> control;
  actor_ref<caf::actor> viewers;
  actor_ref<caf::actor> x_client;
  actor_ref<caf::actor> processes;
  desktop_context_ptr context; ///< null without a desktop
  running_engine_ptr engine = std::make_shared<running_engine>();
  engine_choice choice{};
  std::string log_dir{};
  link_parts_ptr link{};
  /// Set before boot: the tree that viewers are added to.
  std::shared_ptr<tree_client> tree = std::make_shared<tree_client>();
  x_door_ptr door = std::make_shared<x_door>();
  control_gate_ptr gate = std::make_shared<control_gate>();
  recorder_ptr recordings{};
  hand_log_ptr hands{}; ///< what people did on the desktop
};

supervision_defaults make_defaults(const config& values);

/// Where media is bound and what is told to browsers.
struct media_addresses {
  std::string bind;
  std::vector<std::string> advertise;
  bool chosen = false; ///< by the configuration
};
media_addresses choose_media_addresses(const config& values);

/// What records the desktop, with its files below `state`.
recorder_ptr make_recorder(const shared_parts& parts, const config& values,
                           const std::string& state);

/// Every child but the gateway.
std::vector<supervision::child_spec> make_children(const shared_parts& parts,
                                                   const loaded_config& loaded);

} // namespace holt
