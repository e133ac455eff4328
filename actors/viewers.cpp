// SPDX-License-Identifier: Apache-2.0
#include "actors/viewers.hpp"

#include "supervisor/guards.hpp"
#include "transport/log.hpp"

#include <atomic>
#include <unordered_map>

namespace holt {

namespace {

/// The time limit of a goodbye has passed.
struct goodbye_over {
  std::uint64_t number = 0;
};

} // namespace

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::goodbye_over)

namespace holt {

namespace {

/// One viewer from the question to the end of its child, whatever comes of it: a burst of
/// browsers that have not joined yet counts, too.
class seat {
public:
  explicit seat(std::shared_ptr<std::atomic<std::size_t>> taken) : taken_{std::move(taken)} {
    ++*taken_;
  }
  seat(const seat&) = delete;
  seat& operator=(const seat&) = delete;
  ~seat() { --*taken_; }

private:
  std::shared_ptr<std::atomic<std::size_t>> taken_;
};

struct viewers_state {
  static inline const char* name = "viewers";
  viewers_deps deps;
  engine_status engine;
  std::unordered_map<std::uint64_t, caf::actor> viewers;
  std::shared_ptr<std::atomic<std::size_t>> seats = std::make_shared<std::atomic<std::size_t>>(0);
  std::uint64_t goodbyes = 0;
  std::function<void()> said_goodbye;
};

using self_ptr = caf::stateful_actor<viewers_state>*;

void goodbye_done(self_ptr self) {
  if (!self->state.said_goodbye)
    return;
  auto done = std::move(self->state.said_goodbye);
  self->state.said_goodbye = nullptr;
  done();
}

void open(self_ptr self, const viewers_open& what) {
  auto& state = self->state;
  if (state.engine.stopped) {
    what.request->refuse(http::problem({errc::conflict, "desktop streaming is not active"}));
    return;
  }
  if (auto taken = state.seats->load(); taken >= state.deps.max_viewers) {
    what.request->refuse(
      http::problem({errc::busy, "there are " + std::to_string(taken) + " viewers already"}));
    return;
  }
  auto who = what.who;
  const auto number = ++*state.deps.ids;
  who.id = control::viewer_id{number};
  if (who.name.empty())
    who.name = "Viewer " + std::to_string(number);
  supervision::child_spec spec;
  spec.id = "signaling/" + std::to_string(number);
  spec.parent = "viewers";
  spec.kind = child_kind::actor;
  spec.restart = restart_policy::temporary;
  spec.optional = true;
  spec.stop.grace = std::chrono::milliseconds{1'500};
  auto me = caf::actor_cast<caf::actor>(self);
  auto* system = &self->system();
  spec.port = make_actor_child(
    {spec.id,
     [=, deps = state.deps, request = what.request, place = std::make_shared<seat>(state.seats)] {
       return spawn_signaling(*system, deps, me, request, who);
     },
     nullptr});
  state.deps.add_child(std::move(spec), [request = what.request](const result<void>& added) {
    if (!added)
      request->refuse(http::problem(added.error()));
  });
}

void set_engine(self_ptr self, const viewers_engine& what) {
  auto& state = self->state;
  bool was_ready = state.engine.info.ready;
  state.engine = what.engine;
  if (was_ready != what.engine.info.ready)
    state.deps.control.send(control_engine{what.engine.client});
  for (const auto& [id, viewer] : state.viewers)
    self->send(viewer, what);
}

void say_goodbye(self_ptr self, const viewers_goodbye& what) {
  auto& state = self->state;
  goodbye_done(self); // of one before
  state.said_goodbye = what.done;
  if (state.viewers.empty()) {
    goodbye_done(self);
    return;
  }
  for (const auto& [id, viewer] : state.viewers)
    self->send(viewer, signaling_event{signaling::shutdown{what.code, what.reason}});
  self->delayed_send(self, what.limit, goodbye_over{++state.goodbyes});
}

caf::behavior behavior(self_ptr self, viewers_deps deps, engine_status engine) {
  install_guards(self);
  self->state.deps = std::move(deps);
  self->state.engine = std::move(engine);
  return {
    [self](const viewers_open& what) { open(self, what); },
    [self](const viewers_join& what) {
      self->state.viewers[static_cast<std::uint64_t>(what.id)] = what.viewer;
      self->send(what.viewer, viewers_engine{self->state.engine});
    },
    [self](const viewers_leave& what) {
      self->state.viewers.erase(static_cast<std::uint64_t>(what.id));
      if (self->state.viewers.empty())
        goodbye_done(self);
    },
    [self](const viewers_engine& what) { set_engine(self, what); },
    [self](const viewers_goodbye& what) { say_goodbye(self, what); },
    [self](const goodbye_over& what) {
      if (what.number == self->state.goodbyes)
        goodbye_done(self);
    },
    [self](const viewers_rejoin& what) {
      self->state.deps.control.send(control_engine{self->state.engine.client});
      for (const auto& [id, viewer] : self->state.viewers)
        self->send(viewer, what);
    },
    [self](const viewers_query& what) {
      what.answer(self->state.viewers.size(), self->state.engine);
    },
  };
}

} // namespace

caf::actor spawn_viewers(caf::actor_system& system, viewers_deps deps, engine_status engine) {
  return system.spawn(behavior, std::move(deps), std::move(engine));
}

} // namespace holt
