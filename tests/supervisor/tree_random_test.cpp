// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE tree_random

#include "world.hpp"

#include <caf/all.hpp>

#include <random>

using namespace holt;
using namespace holt::supervision;
using namespace holt::supervision::test;

namespace {

/// A random tree under random requests and deaths, always with these promises.
struct ordeal {
  std::mt19937_64 chance;
  world w;
  std::vector<child_spec> specs;
  std::vector<child_id> ids;
  int added = 0;

  explicit ordeal(std::uint64_t seed) : chance(seed) {
    const auto groups = 1 + pick(4);
    for (std::uint64_t i = 0; i < groups; ++i) {
      auto g = group("g" + std::to_string(i), {}, i > 1 && pick(2) ? "g1" : "");
      if (i > 0 && g.parent.empty() && pick(2))
        g.depends_on = {"g" + std::to_string(pick(i))};
      g.one_for_all = pick(5) == 0;
      g.optional = pick(5) == 0;
      g.on_exhausted = static_cast<exhausted_policy>(pick(3));
      g.budget.deaths = static_cast<unsigned>(pick(4));
      specs.push_back(g);
    }
    const auto leaves = 3 + pick(12);
    for (std::uint64_t i = 0; i < leaves; ++i) {
      auto id = "c" + std::to_string(i);
      std::vector<child_id> deps;
      for (std::uint64_t d = 0; d < i; ++d)
        if (pick(4) == 0)
          deps.push_back("c" + std::to_string(d));
      auto spec = pick(2) ? leaf(id, deps) : process(id, deps);
      if (pick(3))
        spec.parent = "g" + std::to_string(pick(groups));
      spec.autostart = pick(6) != 0;
      spec.optional = pick(5) == 0;
      spec.restart = pick(6) ? restart_policy::permanent : restart_policy::transient;
      spec.on_exhausted = static_cast<exhausted_policy>(pick(3));
      spec.budget.deaths = static_cast<unsigned>(pick(10));
      specs.push_back(spec);
    }
    for (;;) { // drop edges until nothing waits for itself
      auto fine = validate(specs);
      if (fine)
        break;
      auto& s = specs[pick(specs.size())];
      if (!s.depends_on.empty())
        s.depends_on.pop_back();
    }
    for (const auto& s : specs)
      ids.push_back(s.id);
    w.boot(specs);
  }

  std::uint64_t pick(std::uint64_t n) { return chance() % n; }

  void once() {
    w.clock.random = static_cast<double>(pick(1'000)) / 1'000.0;
    const auto& id = ids[pick(ids.size())];
    switch (pick(16)) {
    case 0: (void)w.nodes.start(id, w.clock); break;
    case 1:
      if (pick(3) == 0)
        (void)w.nodes.stop(id, w.clock);
      break;
    case 2: (void)w.nodes.restart(id, w.clock); break;
    case 3:
    case 4:
    case 5:
      if (w.children[id].alive)
        w.die(id, pick(10) ? 1 : pick(5) ? 0 : 127);
      break;
    case 6:
      if (w.children[id].alive && w.silent.contains(id))
        w.say(id, became_ready{});
      break;
    case 7: toggle(w.silent, id); break;
    case 8: toggle(w.stubborn, id); break;
    case 9: {
      std::vector<child_id> deps;
      if (pick(2))
        deps.push_back(id);
      (void)w.nodes.add(temporary("t" + std::to_string(++added), "g0", deps), w.clock);
      break;
    }
    case 10:
      if (added > 0)
        (void)w.nodes.remove("t" + std::to_string(1 + pick(static_cast<std::uint64_t>(added))),
                             w.clock);
      break;
    case 11: w.after(60s); break;
    default: w.after(milliseconds{pick(1'500)}); break;
    }
    w.play();
  }

  void toggle(std::set<child_id>& set, const child_id& id) {
    if (!set.erase(id) && pick(3) == 0)
      set.insert(id);
  }

  /// Nothing is up while something that it stands on is not.
  std::string broken() const {
    for (const auto& s : specs) {
      if (!w.nodes.up(s.id))
        continue;
      for (auto at = &s;;) {
        for (const auto& dep : at->depends_on)
          if (!w.nodes.up(dep))
            return s.id + " is up without " + dep;
        if (at->parent.empty())
          break;
        for (const auto& p : specs)
          if (p.id == at->parent)
            at = &p;
      }
      if (s.kind != child_kind::group && w.nodes.machine(s.id)->state != child_state::ready)
        return s.id + " is up but not ready";
    }
    return {};
  }

  /// Left alone, it comes to rest: what is wanted and may run does.
  std::string stuck() {
    w.silent.clear();
    w.stubborn.clear();
    for (const auto& id : ids)
      if (w.children[id].alive)
        w.say(id, became_ready{});
    w.after(1h);
    for (const auto& s : w.nodes.snapshot(w.clock)) {
      switch (s.state) {
      case child_state::idle:
      case child_state::ready:
      case child_state::stopped:
      case child_state::failed: break;
      case child_state::waiting:
        if (s.reason.find("stopped") == std::string::npos
            && s.reason.find("failed") == std::string::npos && !waits_honestly(s))
          return s.id + " waits forever: " + s.reason;
        break;
      default:
        if (s.kind != child_kind::group)
          return s.id + " rests in " + std::string{to_string(s.state)};
      }
    }
    return {};
  }

  bool waits_honestly(const child_snapshot& s) const {
    for (const auto& dep : ids)
      if (s.reason == "waits for " + dep)
        return !w.nodes.up(dep);
    return false;
  }
};

} // namespace

CAF_TEST(random trees under random requests and deaths keep their promises) {
  const auto seed = test_seed();
  for (std::uint64_t run = 0; run < 300; ++run) {
    ordeal o{seed + run};
    for (int i = 0; i < 150; ++i) {
      o.once();
      if (auto what = o.broken(); !what.empty())
        CAF_FAIL("seed " << seed << ", run " << run << ", step " << i << ": " << what);
    }
    if (auto what = o.stuck(); !what.empty())
      CAF_FAIL("seed " << seed << ", run " << run << ": " << what);
    for (int i = 0; i < 20; ++i)
      o.once();
    o.w.nodes.stop_all(o.w.clock);
    o.w.play();
    if (o.pick(2)) {
      o.w.nodes.hurry(o.w.clock);
      o.w.play();
    }
    o.w.after(10min);
    if (o.w.all_down_told != 1 || o.w.alive() != 0 || o.w.nodes.armed_timers() != 0)
      CAF_FAIL("seed " << seed << ", run " << run << ": the stop left " << o.w.alive()
                       << " alive and " << o.w.nodes.armed_timers() << " timers");
  }
}
