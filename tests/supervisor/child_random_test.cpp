// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE child_random

#include "world.hpp"

#include <caf/all.hpp>

#include <cstdlib>
#include <deque>
#include <random>

using namespace holt;
using namespace holt::supervision;
using namespace holt::supervision::test;

std::uint64_t holt::supervision::test::test_seed() {
  auto seed = std::uint64_t{20'261'122};
  if (const auto* text = std::getenv("HOLT_SEED"))
    seed = std::string_view{text} == "random" ? std::uint64_t{std::random_device{}()}
                                              : std::strtoull(text, nullptr, 10);
  std::printf("HOLT_SEED=%llu replays this\n", static_cast<unsigned long long>(seed));
  return seed;
}

namespace {

/// One child under random events. Knows only events and effects, and checks the promises of the
/// machine against what it has seen.
struct ordeal {
  std::mt19937_64 chance;
  child_spec spec;
  child c;
  moment clock{time_point{} + 1h, {}, 0.5};
  std::array<timer_epoch, timer_count> owned{};
  std::array<time_point, timer_count> rings{};
  std::deque<time_point> restarts; ///< entries into backoff within the window
  bool run_open = false;           ///< a start whose end was neither seen nor given up
  bool healthy = false;            ///< proven since the last death or request
  bool was_healthy = false;        ///< before the last death
  std::uint64_t failures = 0;
  std::array<std::uint64_t, child_state_count> visits{};
  const char* broken = nullptr;

  explicit ordeal(std::uint64_t seed) : chance(seed) {}

  std::uint64_t pick(std::uint64_t n) { return chance() % n; }

  void require(bool fine, const char* promise) {
    if (!fine && !broken)
      broken = promise;
  }

  machine_event random_event() {
    auto gen = pick(8) == 0 ? generation{static_cast<std::uint64_t>(c.gen) - pick(3)} : c.gen;
    auto said = [&](child_event e) { return port_said{gen, std::move(e)}; };
    switch (pick(26)) {
    case 0: return start_asked{};
    case 1:
      if (pick(4) == 0)
        return stop_asked{};
      return start_asked{};
    case 2:
      if (pick(4) == 0)
        return restart_asked{};
      return dep_ready{};
    case 3:
    case 4: return dep_ready{};
    case 5:
      if (pick(3) == 0)
        return dep_lost{pick(2) == 0};
      return dep_ready{};
    case 6:
    case 7: return said(spawned{42});
    case 8:
      if (pick(4) == 0)
        return said(spawn_failed{"no", pick(8) == 0});
      return said(became_ready{});
    case 9:
    case 10:
    case 11: return said(became_ready{});
    case 12: return said(start_progress{"on its way"});
    case 13: return said(probe_ok{});
    case 14: return said(probe_missed{"late"});
    case 15:
    case 16:
      return said(exited{pick(3) == 0 ? death_cause::signal : death_cause::exit,
                         pick(40) == 0 ? 127 : static_cast<int>(pick(3)),
                         {},
                         {}});
    case 17:
    case 18: return said(kill_verified{static_cast<unsigned>(pick(20) == 0)});
    default: break;
    }
    // Mostly the timer that is due next, sometimes one that is long gone.
    auto which = timer_count;
    for (std::size_t i = 0; i < timer_count; ++i)
      if (owned[i] != timer_epoch{} && (which == timer_count || rings[i] < rings[which]))
        which = i;
    if (which == timer_count || pick(10) == 0)
      return timer_rang{static_cast<timer>(pick(timer_count)), timer_epoch{pick(c.epochs + 1)}};
    clock.now = std::max(clock.now, rings[which]);
    return timer_rang{static_cast<timer>(which), owned[which]};
  }

  void once() {
    clock.now += milliseconds{pick(20) == 0 ? pick(2'000) : pick(20)};
    clock.random = static_cast<double>(pick(1'000)) / 1'000.0;
    apply(random_event());
  }

  void apply(const machine_event& what) {
    const auto asked
      = std::holds_alternative<start_asked>(what) || std::holds_alternative<restart_asked>(what);
    const auto before = c.state;
    const auto before_alive = c.alive();
    const auto attempt = c.ledger.attempt();
    const auto used = c.ledger.used(clock.now, spec.budget.window);
    auto seen = before;
    if (auto* rang = std::get_if<timer_rang>(&what)) {
      auto& mine = owned[static_cast<std::size_t>(rang->which)];
      if (mine == rang->epoch) {
        if (rang->which == timer::stable && mine != timer_epoch{})
          healthy = true;
        mine = {};
      }
    }
    auto [next, effects] = step(std::move(c), what, spec, clock);
    c = std::move(next);
    if (std::holds_alternative<dep_lost>(what)
        && c.ledger.used(clock.now, spec.budget.window) < used) {
      healthy = was_healthy; // that death was somebody else's
      was_healthy = false;
      if (!restarts.empty())
        restarts.pop_back();
    }
    if (asked && !before_alive && before != child_state::waiting) {
      restarts.clear(); // a new budget
      healthy = was_healthy = false;
    }
    ++visits[static_cast<std::size_t>(c.state)];
    for (const auto& e : effects) {
      if (auto* s = std::get_if<state_changed>(&e)) {
        require(s->from == seen, "state changes form a chain");
        seen = s->to;
        if (s->to == child_state::backoff)
          into_backoff();
      } else if (std::holds_alternative<start_port>(e)) {
        require(c.wanted, "nothing starts unwanted");
        require(c.may_run, "nothing starts without its dependencies");
        require(!run_open, "never two live generations");
        require(c.state == child_state::starting, "a start is a state");
        run_open = true;
      } else if (auto* a = std::get_if<arm_timer>(&e)) {
        owned[static_cast<std::size_t>(a->which)] = a->epoch;
        rings[static_cast<std::size_t>(a->which)] = clock.now + a->after;
        if (a->which == timer::backoff)
          delayed(a->after, attempt);
      } else if (auto* x = std::get_if<cancel_timer>(&e)) {
        owned[static_cast<std::size_t>(x->which)] = {};
      } else if (std::holds_alternative<death_recorded>(e)) {
        require(run_open, "one end a run");
        run_open = false;
      }
    }
    require(seen == c.state, "every change is told");
    require(owned == c.armed, "timers armed are timers owned");
    require(c.alive() || !run_open, "no run outlives its state");
    if (!c.alive())
      for (auto t : {timer::ready_timeout, timer::grace, timer::kill_grace, timer::stable,
                     timer::live_period, timer::live_timeout})
        require(owned[static_cast<std::size_t>(t)] == timer_epoch{}, "no timer without a run");
    require(c.state != child_state::ready || c.reason.empty(), "ready needs no reason");
    require(c.state == child_state::ready || c.state == child_state::idle || !c.reason.empty(),
            "all else has a reason");
    failures += before != child_state::failed && c.state == child_state::failed ? 1 : 0;
  }

  void into_backoff() {
    while (!restarts.empty() && clock.now - restarts.front() >= spec.budget.window)
      restarts.pop_front();
    restarts.push_back(clock.now);
    require(restarts.size() <= spec.budget.deaths, "restarts in a window stay within the budget");
  }

  void delayed(milliseconds delay, unsigned attempt) {
    if (delay == 0ms) {
      require(healthy, "no delay only after proven health");
    } else {
      require(delay >= spec.backoff.min && delay <= spec.backoff.max, "delays lie in their bounds");
      require(c.ledger.attempt() == attempt + 1, "delays grow until a reset");
    }
    was_healthy = std::exchange(healthy, false);
  }

  /// From wherever it is: a stop ends in stopped, at the latest after both graces.
  void stop_in_time() {
    apply(stop_asked{});
    auto latest = clock.now + spec.stop.grace + spec.stop.kill_grace;
    while (c.alive() && !broken) {
      auto which = c.state == child_state::killing ? timer::kill_grace : timer::grace;
      auto i = static_cast<std::size_t>(which);
      require(owned[i] != timer_epoch{}, "an end has a limit");
      clock.now = std::max(clock.now, rings[i]);
      apply(timer_rang{which, owned[i]});
    }
    require(clock.now <= latest, "a stop takes at most grace and kill grace");
    require(c.state == child_state::stopped || c.state == child_state::idle,
            "a stop ends in stopped");
  }
};

} // namespace

CAF_TEST(a million random events break no promise) {
  const auto seed = test_seed();
  constexpr std::uint64_t total = 1'000'000;
  constexpr exhausted_policy exhausted[]
    = {exhausted_policy::escalate, exhausted_policy::degrade, exhausted_policy::cooldown};
  constexpr restart_policy restarts[]
    = {restart_policy::permanent, restart_policy::permanent, restart_policy::transient};
  std::array<std::uint64_t, child_state_count> visits{};
  std::uint64_t failures = 0;
  for (std::uint64_t run = 0; run < 100; ++run) {
    ordeal o{seed + run};
    o.spec.id = "x";
    o.spec.kind = run % 4 == 0 ? child_kind::actor : child_kind::process;
    o.spec.on_exhausted = exhausted[run % 3];
    o.spec.restart = restarts[run / 3 % 3];
    o.spec.live.enabled = run % 2 == 0;
    o.spec.sweep_on_death = run % 5 != 0;
    if (run % 7 == 0)
      o.spec.backoff.reset_after = 2s;
    for (std::uint64_t i = 0; i < total / 100 && !o.broken; ++i) {
      o.once();
      if (i % 997 == 0)
        o.stop_in_time();
    }
    o.stop_in_time();
    if (o.broken)
      CAF_FAIL("seed " << seed << ", run " << run << ": not true: " << o.broken);
    for (std::size_t s = 0; s < child_state_count; ++s)
      visits[s] += o.visits[s];
    failures += o.failures;
  }
  for (std::size_t s = 0; s < child_state_count; ++s)
    if (static_cast<child_state>(s) != child_state::idle)
      CAF_CHECK(visits[s] > 100); // the events reach every state
  CAF_CHECK(failures > 10);
}
