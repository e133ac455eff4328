// SPDX-License-Identifier: Apache-2.0
#pragma once

// A pure world for the tree: virtual time, and children that do what the test tells them. The log
// reads "start x", "stop x", "kill x"; one instance a test.

#include "supervisor/tree.hpp"

#include "check.hpp"

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace holt::supervision::test {

using namespace std::chrono_literals;

/// A port that only lends its name; the world plays it.
class named_port : public child_port {
public:
  explicit named_port(child_id name) : id(std::move(name)) {}
  void start(generation, event_sink) override {}
  void stop(generation) override {}
  void kill(generation) override {}
  void probe(generation) override {}
  const child_id id;
};

inline child_spec leaf(child_id id, std::vector<child_id> depends_on = {}, child_id parent = {}) {
  child_spec spec;
  spec.id = id;
  spec.parent = std::move(parent);
  spec.kind = child_kind::actor;
  spec.depends_on = std::move(depends_on);
  spec.backoff.jitter = 0;
  spec.port = std::make_shared<named_port>(std::move(id));
  return spec;
}

inline child_spec process(child_id id, std::vector<child_id> depends_on = {},
                          child_id parent = {}) {
  auto spec = leaf(std::move(id), std::move(depends_on), std::move(parent));
  spec.kind = child_kind::process;
  return spec;
}

inline child_spec temporary(child_id id, child_id parent, std::vector<child_id> depends_on = {}) {
  auto spec = leaf(std::move(id), std::move(depends_on), std::move(parent));
  spec.restart = restart_policy::temporary;
  return spec;
}

inline child_spec group(child_id id, std::vector<child_id> depends_on = {}, child_id parent = {}) {
  child_spec spec;
  spec.id = std::move(id);
  spec.parent = std::move(parent);
  spec.kind = child_kind::group;
  spec.depends_on = std::move(depends_on);
  spec.backoff.jitter = 0;
  return spec;
}

struct world {
  struct living {
    slot where{};
    generation gen{};
    bool alive = false;
  };

  tree nodes;
  moment clock{time_point{} + 1h, std::chrono::system_clock::time_point{}, 0.5};
  std::map<child_id, living> children;
  std::set<child_id> silent;   ///< spawn, but are not ready by themselves
  std::set<child_id> stubborn; ///< do not end when asked
  std::string log;
  std::vector<supervision_event> events;
  std::string escalation;
  int all_ready_told = 0;
  int all_down_told = 0;

  void boot(std::vector<child_spec> specs) {
    auto loaded = nodes.load(std::move(specs));
    CAF_REQUIRE(loaded.has_value());
    nodes.boot(clock);
    play();
  }

  /// Carries out effects until there are none.
  void play() {
    for (;;) {
      auto effects = nodes.take_effects();
      if (effects.empty())
        return;
      for (auto& one : effects)
        std::visit([this](auto& x) { carry_out(x); }, one);
    }
  }

  void after(milliseconds d) {
    auto end = clock.now + d;
    for (auto next = nodes.next_deadline(); next && *next <= end; next = nodes.next_deadline()) {
      clock.now = std::max(clock.now, *next);
      nodes.advance(clock);
      play();
    }
    clock.now = end;
  }

  void say(const child_id& id, child_event what) {
    auto& it = children[id];
    nodes.heard(it.where, it.gen, std::move(what), clock);
    play();
  }

  void die(const child_id& id, int code = 1) {
    children[id].alive = false;
    say(id, exited{death_cause::exit, code, {}, {}});
  }

  void kill9(const child_id& id) {
    children[id].alive = false;
    say(id, exited{death_cause::signal, 9, {}, {"last words"}});
  }

  child_snapshot at(const child_id& id) const {
    for (auto& s : nodes.snapshot(clock))
      if (s.id == id)
        return s;
    return {};
  }

  std::string state(const child_id& id) const { return std::string{to_string(at(id).state)}; }

  std::string take() { return std::exchange(log, {}); }

  std::size_t alive() const {
    std::size_t n = 0;
    for (const auto& [id, it] : children)
      n += it.alive ? 1 : 0;
    return n;
  }

private:
  void note(const char* verb, const child_id& id) {
    log += (log.empty() ? "" : ", ") + std::string{verb} + " " + id;
  }

  static const child_id& name(const child_port_ptr& port) {
    return static_cast<const named_port&>(*port).id;
  }

  void carry_out(call_start& x) {
    const auto& id = name(x.port);
    note("start", id);
    auto& it = children[id];
    CAF_CHECK(!it.alive); // never two live generations
    it = {x.where, x.gen, true};
    nodes.heard(x.where, x.gen, spawned{static_cast<std::int64_t>(x.where) + 1'000}, clock);
    if (!silent.contains(id))
      nodes.heard(x.where, x.gen, became_ready{}, clock);
  }

  void carry_out(call_stop& x) {
    const auto& id = name(x.port);
    note("stop", id);
    auto& it = children[id];
    if (stubborn.contains(id) || it.gen != x.gen || !it.alive)
      return;
    it.alive = false;
    nodes.heard(it.where, x.gen, exited{death_cause::exit, 0, {}, {}}, clock);
  }

  void carry_out(call_kill& x) {
    const auto& id = name(x.port);
    note("kill", id);
    auto& it = children[id];
    auto was = std::exchange(it.alive, false);
    if (was)
      nodes.heard(it.where, x.gen, exited{death_cause::signal, 9, {}, {}}, clock);
    nodes.heard(it.where, x.gen, kill_verified{}, clock);
  }

  void carry_out(call_probe&) {}
  void carry_out(supervision_event& x) { events.push_back(x); }
  void carry_out(root_escalated& x) { escalation = x.reason; }
  void carry_out(all_ready&) { ++all_ready_told; }
  void carry_out(all_down&) { ++all_down_told; }
};

/// The seed of a random test: HOLT_SEED, else a fixed one, else with HOLT_SEED=random a new one.
std::uint64_t test_seed();

} // namespace holt::supervision::test
