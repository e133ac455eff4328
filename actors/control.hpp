// SPDX-License-Identifier: Apache-2.0
#pragma once

// The arbiter of who drives, as an actor: carries events into control_logic, its effects to the
// engine and to the viewers. Lives as long as the daemon; when it is restarted the viewers join
// again and nobody drives, but whoever held off the agent still does (the gate remembers).

#include "actors/activity.hpp"
#include "actors/actor_child.hpp"
#include "actors/control_gate.hpp"
#include "actors/control_logic.hpp"
#include "actors/engine_client.hpp"
#include "actors/signaling_machine.hpp"

#include <caf/all.hpp>

#include <chrono>

namespace holt {

/// Something for one viewer's signaling actor.
struct signaling_event {
  signaling::event what;
};

struct control_event {
  control::event what;
};

/// A viewer joins; its actor hears control_changed, control_refused and control_asked.
struct control_join {
  control::joined who;
  caf::actor viewer;
};

/// The engine that grants go to; null while none is ready.
struct control_engine {
  engine_client_ptr engine;
};

/// Answers at once, or when the epoch is above `after`, at the latest after `wait`.
struct control_query {
  std::function<void(const control::state&)> answer;
  std::uint64_t after = 0;
  std::chrono::milliseconds wait{0};
};

/// A call of the API: answers how things stand afterwards, or why not.
struct control_call {
  control::event what;
  std::function<void(result<control::state>)> answer;
};

/// `gate` follows what is decided; may be null.
caf::actor spawn_control(caf::actor_system& system, actor_ref<activity_actor> activity,
                         control_gate_ptr gate = nullptr);

/// Payload of `holt/control` and of the feed; `viewer` is the driver's id or null.
nlohmann::json to_payload(const control::state& now);

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::signaling_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::control_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::control_join)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::control_engine)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::control_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::control_call)
