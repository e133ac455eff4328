// SPDX-License-Identifier: Apache-2.0
#include "supervisor/supervisor_actor.hpp"

#include "supervisor/guards.hpp"
#include "supervisor/tree.hpp"

#include <random>

namespace holt::supervision {

namespace {

/// A port spoke; sent by its sink from any thread.
struct port_message {
  slot where{};
  generation gen{};
  child_event what;
};

/// The next deadline of the tree is due. Only the newest epoch counts.
struct wake {
  std::uint64_t epoch = 0;
};

} // namespace

} // namespace holt::supervision

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::supervision::port_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::supervision::wake)

namespace holt::supervision {

namespace {

using private_interface
  = supervisor_actor::extend<caf::reacts_to<port_message>, caf::reacts_to<wake>>;

struct supervisor_state {
  static inline const char* name = "supervisor";
  std::shared_ptr<tree> nodes; ///< ours alone; shared because CAF copies arguments
  supervisor_observers observers;
  std::mt19937_64 chance;
  std::vector<caf::typed_response_promise<stop_all_done>> waiting_for_end;
  std::optional<time_point> wakes_at;
  std::uint64_t epoch = 0;
  std::optional<caf::error> quits_with; ///< an exit message came: end when no child is left
};

using self_ptr = private_interface::stateful_pointer<supervisor_state>;

/// Late and early calls are harmless: a dead supervisor is no longer locked.
event_sink sink_of(self_ptr self, slot where) {
  auto weak = caf::actor_cast<caf::weak_actor_ptr>(self);
  return [weak, where](generation gen, child_event what) {
    if (auto strong = weak.lock())
      caf::anon_send(caf::actor_cast<caf::actor>(strong),
                     port_message{where, gen, std::move(what)});
  };
}

/// Ports and observers are told not to throw; the supervisor survives it if they do.
template <class Call>
std::optional<std::string> guarded(Call&& call) {
  try {
    call();
    return std::nullopt;
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "unknown exception";
  }
}

struct runner {
  self_ptr self;

  supervisor_state& state() const { return self->state; }

  moment now() const {
    auto random = std::uniform_real_distribution<double>{}(state().chance);
    return {self->clock().now(), std::chrono::system_clock::now(), random};
  }

  /// Carries the tree's effects out, then arranges for its next deadline.
  void flush() const {
    // Sinks post and observers send: nothing in here re-enters the tree, so one pass is enough.
    for (auto& one : state().nodes->take_effects())
      std::visit([this](auto& x) { carry_out(x); }, one);
    auto next = state().nodes->next_deadline();
    if (next && (!state().wakes_at || *next < *state().wakes_at)) {
      state().wakes_at = next;
      auto delay = std::max(*next - self->clock().now(), caf::actor_clock::duration_type{0});
      self->delayed_send(self, delay, wake{++state().epoch});
    }
  }

  void carry_out(call_start& x) const {
    auto sink = sink_of(self, x.where);
    if (auto thrown = guarded([&] { x.port->start(x.gen, sink); }))
      sink(x.gen, spawn_failed{"starting it threw: " + *thrown, false});
  }
  void carry_out(call_stop& x) const {
    guarded([&] { x.port->stop(x.gen); });
  }
  void carry_out(call_kill& x) const {
    guarded([&] { x.port->kill(x.gen); });
  }
  void carry_out(call_probe& x) const {
    guarded([&] { x.port->probe(x.gen); });
  }

  void carry_out(supervision_event& x) const {
    if (state().observers.on_event)
      guarded([&] { state().observers.on_event(x); });
  }
  void carry_out(all_ready&) const {
    if (state().observers.on_all_ready)
      guarded([&] { state().observers.on_all_ready(); });
  }
  void carry_out(root_escalated& x) const {
    if (state().observers.on_escalated)
      guarded([&] { state().observers.on_escalated(x.reason); });
  }
  void carry_out(all_down&) const {
    for (auto& promise : std::exchange(state().waiting_for_end, {}))
      promise.deliver(stop_all_done{});
    if (state().quits_with)
      self->quit(*state().quits_with);
  }

  outcome answer(const result<void>& what) const {
    flush();
    return what ? outcome{} : outcome{what.error()};
  }

  caf::typed_response_promise<stop_all_done> stop_all() const {
    auto promise = self->make_response_promise<stop_all_done>();
    if (is_down())
      promise.deliver(stop_all_done{});
    else
      state().waiting_for_end.push_back(promise);
    state().nodes->stop_all(now());
    flush();
    return promise;
  }

  bool is_down() const { return state().nodes->down(); }

  void on_exit(caf::exit_msg& why) const {
    if (is_down())
      return self->quit(std::move(why.reason));
    state().quits_with = std::move(why.reason);
    state().nodes->stop_all(now());
    flush();
  }

  void on_wake(const wake& x) const {
    if (x.epoch == state().epoch)
      state().wakes_at.reset();
    state().nodes->advance(now());
    flush();
  }
};

private_interface::behavior_type supervise(self_ptr self, std::shared_ptr<tree> nodes,
                                           supervisor_observers observers, std::uint64_t seed) {
  install_guards(self);
  self->state.nodes = std::move(nodes);
  self->state.observers = std::move(observers);
  self->state.chance.seed(seed);
  auto run = runner{self};
  self->set_exit_handler([run](caf::exit_msg& why) { run.on_exit(why); });
  auto& state = self->state;
  return {
    [run, &state](const boot&) {
      state.nodes->boot(run.now());
      run.flush();
    },
    [run, &state](const start_request& x) {
      return run.answer(state.nodes->start(x.id, run.now()));
    },
    [run, &state](const stop_request& x) { return run.answer(state.nodes->stop(x.id, run.now())); },
    [run, &state](const restart_request& x) {
      return run.answer(state.nodes->restart(x.id, run.now()));
    },
    [run, &state](const add_request& x) { return run.answer(state.nodes->add(x.spec, run.now())); },
    [run, &state](const remove_request& x) {
      return run.answer(state.nodes->remove(x.id, run.now()));
    },
    [run, &state](const snapshot_request&) {
      const auto& t = *state.nodes;
      return tree_report{t.snapshot(run.now()), t.degraded(), t.ready(), t.stale()};
    },
    [run](const stop_all_request&) { return run.stop_all(); },
    [run, &state](const hurry&) {
      state.nodes->hurry(run.now());
      run.flush();
    },
    [run, &state](const port_message& x) {
      state.nodes->heard(x.where, x.gen, x.what, run.now());
      run.flush();
    },
    [run](const wake& x) { run.on_wake(x); },
  };
}

} // namespace

result<supervisor_actor> spawn_supervisor(caf::actor_system& system, std::vector<child_spec> specs,
                                          supervisor_observers observers,
                                          supervisor_options options) {
  auto nodes = std::make_shared<tree>(options.root_id);
  if (auto loaded = nodes->load(std::move(specs)); !loaded)
    return loaded.error();
  auto seed = options.seed != 0 ? options.seed : std::uint64_t{std::random_device{}()};
  return supervisor_actor{system.spawn(supervise, std::move(nodes), std::move(observers), seed)};
}

} // namespace holt::supervision
