// SPDX-License-Identifier: Apache-2.0
#include "actors/processes.hpp"

#include "supervisor/guards.hpp"

namespace holt {

namespace {

struct processes_state {
  static inline const char* name = "processes";
  std::unique_ptr<shell::process_room> room;
};

using self_ptr = caf::stateful_actor<processes_state>*;

/// Every text of a feed event, without secrets.
void hide(nlohmann::json& what, const secret_mask& mask) {
  if (what.is_string())
    what = mask.apply(what.get_ref<const std::string&>());
  else if (what.is_structured())
    for (auto& part : what)
      hide(part, mask);
}

shell::process_room::parts parts_of(self_ptr self, const processes_deps& deps) {
  shell::process_room::parts out{deps.tools,      deps.executor, deps.defaults, deps.limits,
                                 deps.keep_ended, nullptr,       nullptr,       deps.numbers};
  auto me = caf::actor_cast<caf::actor_addr>(self); // weak: jobs do not keep the actor alive
  out.post = [me](std::function<void(shell::process_room&)> work) {
    if (auto target = caf::actor_cast<caf::actor>(me))
      caf::anon_send(target, processes_call{std::move(work)});
  };
  out.tell = [activity = deps.activity, mask = deps.mask](nlohmann::json news) {
    if (mask && !mask->empty())
      hide(news, *mask);
    activity.send(activity_append{"process", std::move(news)});
  };
  return out;
}

caf::behavior behavior(self_ptr self, const processes_deps& deps) {
  install_guards(self);
  self->state.room = std::make_unique<shell::process_room>(parts_of(self, deps));
  return {
    [self](const processes_call& call) { call.work(*self->state.room); },
  };
}

} // namespace

caf::actor spawn_processes(caf::actor_system& system, processes_deps deps) {
  return system.spawn(behavior, std::move(deps));
}

} // namespace holt
