// SPDX-License-Identifier: Apache-2.0
#include "actors/realtime_channel.hpp"

#include "supervisor/guards.hpp"

namespace holt {

namespace {

struct realtime_channel_state {
  static inline const char* name = "realtime_channel";
  realtime_channel_deps deps;
  link::link_port_ptr port;
};

using self_ptr = caf::stateful_actor<realtime_channel_state>*;

void hand_up(const realtime_channel_deps& deps, link::link_message what) {
  auto weight = weigh(deps.inbox, what.payload.size());
  deps.commands.send(link_heard{deps.number, std::make_shared<link::held_message>(std::move(what)),
                                std::move(weight)});
}

link::link_events events_for(const realtime_channel_deps& deps) {
  auto number = deps.number;
  auto commands = deps.commands;
  link::link_events out;
  out.on_up = [commands, number](link::link_limits limits) {
    commands.send(link_up{number, limits});
  };
  out.on_down = [commands, number](error why, std::chrono::system_clock::time_point since) {
    auto at = std::chrono::duration_cast<std::chrono::milliseconds>(since.time_since_epoch());
    commands.send(link_down{number, std::move(why), at.count()});
  };
  out.on_message = [deps](link::link_message what) {
    auto size = what.payload.size();
    if (deps.inbox->bytes + size > deps.inbox_bytes) {
      ++deps.inbox->dropped;
      link::held_message{std::move(what)}.settle();
      return;
    }
    if (deps.backlog)
      deps.backlog->adopt(what);
    hand_up(deps, std::move(what));
  };
  out.on_presence = [commands, number](std::vector<link::link_presence> who) {
    commands.send(link_present{number, std::move(who)});
  };
  return out;
}

caf::behavior behavior(self_ptr self, realtime_channel_deps deps) {
  install_guards(self);
  auto& state = self->state;
  state.deps = std::move(deps);
  if (state.deps.backlog)
    for (auto& one : state.deps.backlog->take())
      hand_up(state.deps, std::move(one));
  auto port = state.deps.open(events_for(state.deps));
  if (!port) {
    state.deps.on_fault(port.error().detail);
    self->quit(caf::exit_reason::unhandled_exception);
    return {};
  }
  state.port = *port;
  state.port->set_presence(state.deps.presence);
  state.deps.commands.send(link_opened{state.deps.number, state.port});
  self->set_exit_handler([self](caf::exit_msg& msg) {
    auto& now = self->state;
    now.port->close();
    now.deps.commands.send(link_closed{now.deps.number});
    now.port = nullptr;
    self->quit(std::move(msg.reason));
  });
  return {[](caf::ok_atom) {}};
}

} // namespace

caf::actor spawn_realtime_channel(caf::actor_system& system, realtime_channel_deps deps) {
  return system.spawn(behavior, std::move(deps));
}

} // namespace holt
