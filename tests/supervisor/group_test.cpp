// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE tree_groups

#include "world.hpp"

#include <caf/all.hpp>

using namespace holt;
using namespace holt::supervision;
using namespace holt::supervision::test;

namespace {

/// desktop {x, wm ← x, audio optional}, stream ← desktop {engine, viewers {}}.
std::vector<child_spec> house() {
  std::vector<child_spec> specs{group("desktop"),
                                leaf("x", {}, "desktop"),
                                leaf("wm", {"x"}, "desktop"),
                                leaf("audio", {}, "desktop"),
                                group("stream", {"desktop"}),
                                leaf("engine", {}, "stream"),
                                group("viewers", {"engine"}, "stream"),
                                leaf("link")};
  specs[3].optional = true;
  return specs;
}

} // namespace

CAF_TEST(a group is ready with its children and what depends on it waits for that) {
  world w;
  w.silent = {"wm", "audio"};
  w.boot(house());
  CAF_CHECK_EQUAL(w.take(), "start x, start audio, start link, start wm");
  CAF_CHECK_EQUAL(w.state("desktop"), "starting");
  CAF_CHECK_EQUAL(w.at("desktop").reason, "waits for wm");
  CAF_CHECK_EQUAL(w.at("engine").reason, "waits for desktop");
  CAF_CHECK_EQUAL(w.state("stream"), "waiting");
  w.say("wm", became_ready{});
  CAF_CHECK_EQUAL(w.take(), "start engine");
  CAF_CHECK_EQUAL(w.state("desktop"), "ready");
  CAF_CHECK_EQUAL(w.state("viewers"), "ready");
  CAF_CHECK_EQUAL(w.all_ready_told, 0);
  w.say("audio", became_ready{});
  CAF_CHECK_EQUAL(w.all_ready_told, 1);
}

CAF_TEST(a death in a group stops the group that depends on it but not an optional one) {
  world w;
  w.boot(house());
  w.take();
  w.die("audio");
  CAF_CHECK_EQUAL(w.take(), "");
  w.after(200ms);
  CAF_CHECK_EQUAL(w.take(), "start audio");
  w.die("x");
  CAF_CHECK_EQUAL(w.take(), "stop engine, stop wm");
  CAF_CHECK_EQUAL(w.at("engine").reason, "waits for desktop");
  w.after(200ms);
  CAF_CHECK_EQUAL(w.take(), "start x, start wm, start engine");
  CAF_CHECK_EQUAL(w.state("link"), "ready");
}

CAF_TEST(an engine that dies ends the viewers and comes back without them) {
  world w;
  w.boot(house());
  for (int i = 0; i < 2; ++i)
    CAF_CHECK(
      w.nodes.add(temporary("signaling/" + std::to_string(i), "viewers"), w.clock).has_value());
  w.play();
  w.take();
  w.die("engine");
  CAF_CHECK_EQUAL(w.take(), "stop signaling/0, stop signaling/1");
  CAF_CHECK(!w.nodes.contains("signaling/0"));
  w.after(200ms);
  CAF_CHECK_EQUAL(w.take(), "start engine");
}

CAF_TEST(a stopped group is held and only what was wanted comes back) {
  world w;
  w.boot(house());
  CAF_CHECK(w.nodes.stop("audio", w.clock).has_value());
  w.play();
  w.take();
  CAF_CHECK(w.nodes.stop("desktop", w.clock).has_value());
  w.play();
  CAF_CHECK_EQUAL(w.take(), "stop engine, stop wm, stop x");
  CAF_CHECK_EQUAL(w.state("desktop"), "stopped");
  CAF_CHECK_EQUAL(w.at("wm").reason, "stopped with desktop");
  CAF_CHECK_EQUAL(w.state("engine"), "waiting");
  CAF_CHECK_EQUAL(w.at("engine").reason, "waits for desktop, which is stopped");
  CAF_CHECK(w.nodes.start("desktop", w.clock).has_value());
  w.play();
  CAF_CHECK_EQUAL(w.take(), "start x, start wm, start engine");
  CAF_CHECK_EQUAL(w.state("audio"), "stopped");
}

CAF_TEST(a group without autostart starts when asked) {
  world w;
  auto specs = house();
  specs[0].autostart = specs[4].autostart = false;
  w.boot(specs);
  CAF_CHECK_EQUAL(w.take(), "start link");
  CAF_CHECK_EQUAL(w.all_ready_told, 1);
  CAF_CHECK_EQUAL(w.state("desktop"), "idle");
  CAF_CHECK_EQUAL(w.state("x"), "idle");
  CAF_CHECK(w.nodes.start("stream", w.clock).has_value());
  w.play();
  CAF_CHECK_EQUAL(w.take(), "");
  CAF_CHECK(w.nodes.start("desktop", w.clock).has_value());
  w.play();
  CAF_CHECK_EQUAL(w.take(), "start x, start audio, start wm, start engine");
}

CAF_TEST(one for all restarts every child after one death) {
  world w;
  w.boot([] {
    std::vector<child_spec> specs{group("g"), leaf("a", {}, "g"), leaf("b", {}, "g"),
                                  leaf("c", {"b"}, "g"), leaf("d")};
    specs[0].one_for_all = true;
    return specs;
  }());
  w.take();
  w.die("a");
  CAF_CHECK_EQUAL(w.take(), "stop c, stop b");
  CAF_CHECK_EQUAL(w.state("g"), "backoff");
  w.after(200ms);
  CAF_CHECK_EQUAL(w.take(), "start a, start b, start c");
  CAF_CHECK_EQUAL(w.at("b").budget_used, 0u);
  CAF_CHECK_EQUAL(w.at("a").budget_used, 1u);
  CAF_CHECK_EQUAL(w.state("g"), "ready");
}

CAF_TEST(one for all does not mind a temporary bystander) {
  world w;
  auto specs = std::vector<child_spec>{group("g"), leaf("a", {}, "g"), temporary("t", "g")};
  specs[0].one_for_all = true;
  w.boot(specs);
  w.take();
  w.die("t");
  CAF_CHECK_EQUAL(w.take(), "");
  w.die("a");
  w.after(200ms);
  CAF_CHECK_EQUAL(w.take(), "start a");
}

CAF_TEST(an exhausted child restarts its group as a whole with the back - off of the group) {
  world w;
  auto specs = house();
  specs[2].budget.deaths = 0; // wm
  specs[0].backoff.min = 1s;
  w.boot(specs);
  w.take();
  w.die("wm");
  CAF_CHECK_EQUAL(w.take(), "stop engine, stop x, stop audio");
  CAF_CHECK_EQUAL(w.state("desktop"), "backoff");
  CAF_CHECK_EQUAL(w.escalation, "");
  CAF_CHECK(w.at("desktop").next_start == 1s);
  w.after(1s);
  CAF_CHECK_EQUAL(w.take(), "start x, start audio, start wm, start engine");
  CAF_CHECK_EQUAL(w.at("desktop").restarts, 1u);
  CAF_CHECK_EQUAL(w.state("holt"), "ready");
}

CAF_TEST(a group that exhausts its own budget escalates to the root) {
  world w;
  auto specs = house();
  specs[2].budget.deaths = 0;
  specs[0].budget.deaths = 2;
  w.boot(specs);
  for (int i = 0; i < 2; ++i) {
    w.die("wm");
    w.after(10s);
    CAF_CHECK_EQUAL(w.state("wm"), "ready");
  }
  w.die("wm");
  CAF_CHECK(w.escalation.find("desktop gave up: wm gave up") == 0);
  CAF_CHECK_EQUAL(w.state("desktop"), "failed");
  CAF_CHECK_EQUAL(w.state("x"), "stopped");
}

CAF_TEST(a group may degrade or cool down instead) {
  for (auto policy : {exhausted_policy::degrade, exhausted_policy::cooldown}) {
    world w;
    auto specs = house();
    specs[2].budget.deaths = 0;
    specs[0].budget.deaths = 0;
    specs[0].on_exhausted = policy;
    w.boot(specs);
    w.die("wm");
    CAF_CHECK_EQUAL(w.escalation, "");
    CAF_CHECK_EQUAL(w.state("link"), "ready");
    CAF_CHECK_EQUAL(w.state("desktop"),
                    policy == exhausted_policy::degrade ? "failed" : "cooldown");
    w.take();
    if (policy == exhausted_policy::degrade)
      CAF_CHECK(w.nodes.start("desktop", w.clock).has_value());
    else
      w.after(300s);
    w.play();
    CAF_CHECK_EQUAL(w.take(), "start x, start audio, start wm, start engine");
  }
}

CAF_TEST(a group restarts on request without counting) {
  world w;
  w.boot(house());
  w.take();
  CAF_CHECK(w.nodes.restart("desktop", w.clock).has_value());
  w.play();
  CAF_CHECK_EQUAL(w.take(), "stop engine, stop wm, stop audio, stop x, start x, start audio, "
                            "start wm, start engine");
  CAF_CHECK_EQUAL(w.at("desktop").restarts, 0u);
  CAF_CHECK_EQUAL(w.at("x").restarts, 0u);
}

CAF_TEST(ten thousand temporary children come and go) {
  world w;
  w.boot(house());
  constexpr int many = 10'000;
  const auto id = [](int i) { return "signaling/" + std::to_string(i); };
  for (int i = 0; i < many; ++i) {
    auto spec = temporary(id(i), "viewers", {"engine"});
    CAF_REQUIRE(w.nodes.add(std::move(spec), w.clock).has_value());
    w.play();
  }
  CAF_CHECK_EQUAL(w.nodes.size(), 9u + many);
  CAF_CHECK_EQUAL(w.nodes.snapshot(w.clock).size(), 9u + many);
  for (int i = 0; i < many; i += 2)
    w.die(id(i));
  CAF_CHECK_EQUAL(w.nodes.size(), 9u + many / 2);
  w.take();
  w.die("engine"); // the other half goes at once
  CAF_CHECK_EQUAL(w.nodes.size(), 9u);
  w.after(200ms);
  CAF_CHECK_EQUAL(w.state("engine"), "ready");
  CAF_CHECK_EQUAL(w.state("holt"), "ready");
  w.after(1h);
  CAF_CHECK_EQUAL(w.nodes.armed_timers(), 0u);
}
