// SPDX-License-Identifier: Apache-2.0
#include "actors/control.hpp"

#include "supervisor/guards.hpp"
#include "transport/log.hpp"

#include <unordered_map>
#include <utility>

namespace holt {

namespace {

/// The engine answered a call about its host.
struct host_set {
  std::uint64_t number = 0;
};

/// A query has waited long enough.
struct patience_over {
  std::uint64_t number = 0;
};

} // namespace

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::host_set)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::patience_over)

namespace holt {

namespace {

using control::viewer_id;

constexpr std::size_t max_waiting_queries = 256; ///< one more: the oldest is answered as it is

/// Who shall be host at the engine; empty: nobody.
using host_wish = std::optional<control::grant_host>;

struct control_state {
  static inline const char* name = "control";
  control::state now;
  std::unordered_map<std::uint64_t, caf::actor> viewers;
  engine_client_ptr engine;
  actor_ref<activity_actor> activity;
  control_gate_ptr gate;
  bool busy = false; ///< one call at the engine at a time: they must not overtake each other
  std::uint64_t engine_number = 0; ///< answers of an engine before are stale
  host_wish waiting;               ///< the newest that came meanwhile; older ones are void
  bool has_waiting = false;
  std::map<std::uint64_t, control_query> queries; ///< that wait for a change, oldest first
  std::uint64_t last_query = 0;
};

using self_ptr = caf::stateful_actor<control_state>*;

struct runner {
  self_ptr self;

  control_state& state() const { return self->state; }

  std::vector<control::effect> operator()(const control::event& what) const {
    auto effects = control::step(state().now, what);
    // Before anybody hears of it: who was told that he has control has it.
    if (state().gate)
      state().gate->set(state().now.stands);
    for (const auto& one : effects)
      std::visit([this](const auto& x) { run(x); }, one);
    for (auto i = state().queries.begin(); i != state().queries.end();)
      i = i->second.after < state().now.stands.epoch ? end_query(i) : std::next(i);
    return effects;
  }

  using query_place = std::map<std::uint64_t, control_query>::iterator;

  query_place end_query(query_place which) const {
    which->second.answer(state().now);
    return state().queries.erase(which);
  }

  void query(const control_query& what) const {
    if (what.wait.count() <= 0 || what.after < state().now.stands.epoch)
      return what.answer(state().now);
    if (state().queries.size() >= max_waiting_queries)
      end_query(state().queries.begin());
    auto number = ++state().last_query;
    state().queries.emplace(number, what);
    self->delayed_send(self, what.wait, patience_over{number});
  }

  void call(const control_call& what) const {
    for (const auto& one : (*this)(what.what))
      if (const auto* no = std::get_if<control::refuse_call>(&one))
        return what.answer(no->why);
    what.answer(state().now);
  }

  template <class Event>
  void tell(viewer_id id, Event what) const {
    auto i = state().viewers.find(static_cast<std::uint64_t>(id));
    if (i != state().viewers.end())
      self->send(i->second, signaling_event{std::move(what)});
  }

  void run(const control::grant_host& x) const { set_host(x); }

  void run(const control::reset_host&) const { set_host(std::nullopt); }

  void set_host(host_wish wish) const {
    if (!state().engine)
      return;
    if (state().busy) {
      state().waiting = std::move(wish);
      state().has_waiting = true;
      return;
    }
    state().busy = true;
    auto me = caf::actor_cast<caf::actor>(self);
    auto done = [me, wish, number = state().engine_number](const result<void>& got) {
      if (!got && wish)
        caf::anon_send(me, control_event{control::grant_failed{wish->id, got.error().detail}});
      if (!got && !wish)
        log::warn("control", "reset_failed", {{"detail", got.error().detail}});
      caf::anon_send(me, host_set{number});
    };
    if (wish)
      state().engine->give_control(wish->session, done);
    else
      state().engine->reset_control(done);
  }

  void host_is_set(std::uint64_t number) const {
    if (number != state().engine_number)
      return;
    state().busy = false;
    if (std::exchange(state().has_waiting, false))
      set_host(std::move(state().waiting));
  }

  void run(const control::show& x) const {
    tell(x.id, signaling::control_changed{to_payload(state().now), state().now.driver == x.id});
  }

  void run(const control::announce&) const {
    auto payload = to_payload(state().now);
    for (const auto& [id, viewer] : state().viewers)
      self->send(viewer, signaling_event{signaling::control_changed{payload, state().now.driver
                                                                               == viewer_id{id}}});
    state().activity.send(activity_append{"control", payload});
  }

  void run(const control::ask_driver& x) const {
    tell(x.driver, signaling::control_asked{x.asker, x.asker_name});
  }

  void run(const control::refuse& x) const { tell(x.id, signaling::control_refused{x.why}); }

  void run(const control::refuse_call&) const {} // its caller is told
};

caf::behavior behavior(self_ptr self, const actor_ref<activity_actor>& activity,
                       const control_gate_ptr& gate) {
  install_guards(self);
  self->state.activity = activity;
  self->state.gate = gate;
  if (gate) {
    // After a crash nobody drives; the agent is not let loose by it.
    auto& stands = self->state.now.stands;
    stands = gate->now();
    if (stands.epoch > 0)
      ++stands.epoch;
    stands.driver = stands.taken_by;
    gate->set(stands);
  }
  auto run = runner{self};
  return {
    [self, run](const control_join& what) {
      self->state.viewers[static_cast<std::uint64_t>(what.who.id)] = what.viewer;
      run(what.who);
    },
    [self, run](const control_event& what) {
      // First: who left is told nothing more.
      if (const auto* gone = std::get_if<control::left>(&what.what))
        self->state.viewers.erase(static_cast<std::uint64_t>(gone->id));
      run(what.what);
    },
    [self, run](const control_engine& what) {
      auto& state = self->state;
      state.engine = what.engine;
      state.busy = false;
      state.has_waiting = false;
      ++state.engine_number;
      run.set_host(std::nullopt); // whoever was host there is not known to us
      run(control::engine_restarted{});
    },
    [run](const host_set& what) { run.host_is_set(what.number); },
    [run](const control_query& what) { run.query(what); },
    [run](const control_call& what) { run.call(what); },
    [self, run](const patience_over& what) {
      if (auto i = self->state.queries.find(what.number); i != self->state.queries.end())
        run.end_query(i);
    },
  };
}

} // namespace

caf::actor spawn_control(caf::actor_system& system, actor_ref<activity_actor> activity,
                         control_gate_ptr gate) {
  return system.spawn(behavior, std::move(activity), std::move(gate));
}

nlohmann::json to_payload(const control::state& now) {
  nlohmann::json out{{"epoch", now.stands.epoch},
                     {"agentEpoch", now.stands.agent_epoch},
                     {"kind", control::kind(now)},
                     {"name", control::driver_name(now)},
                     {"taken", now.stands.taken},
                     {"viewer", nullptr},
                     {"paused", now.stands.paused},
                     {"pausedBy", now.stands.paused_by},
                     {"note", now.note}};
  if (now.driver)
    out["viewer"] = std::to_string(static_cast<std::uint64_t>(*now.driver));
  return out;
}

} // namespace holt
