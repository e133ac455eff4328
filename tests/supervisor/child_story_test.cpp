// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE child_story

#include "world.hpp"

#include <caf/all.hpp>

using namespace holt;
using namespace holt::supervision;
using namespace holt::supervision::test;

CAF_TEST(delays double from the minimum and the ninth death gives up) {
  world w;
  w.silent = {"x"};
  w.boot({leaf("x")});
  CAF_CHECK_EQUAL(w.take(), "start x");
  auto delay = 200ms;
  for (int death = 1; death <= 8; ++death) {
    w.die("x");
    CAF_CHECK_EQUAL(w.state("x"), "backoff");
    CAF_CHECK(w.at("x").next_start == delay);
    w.after(delay - 1ms);
    CAF_CHECK_EQUAL(w.take(), "");
    w.after(1ms);
    CAF_CHECK_EQUAL(w.take(), "start x");
    delay *= 2;
  }
  w.die("x");
  CAF_CHECK_EQUAL(w.state("x"), "failed");
  CAF_CHECK(w.escalation.find("x gave up after 9 deaths within 120 s, the last: exit code 1") == 0);
  CAF_CHECK_EQUAL(w.at("x").restarts, 9u);
  CAF_CHECK_EQUAL(w.at("x").deaths.size(), 5u);
}

CAF_TEST(deaths that leave the window do not count) {
  world w;
  auto spec = leaf("x");
  spec.budget = {2, 10s};
  spec.backoff.factor = 1;
  w.boot({spec});
  for (int i = 0; i < 20; ++i) {
    w.die("x");
    w.after(5s); // the death before last is exactly one window old: half-open
  }
  CAF_CHECK_EQUAL(w.state("x"), "ready");
  w.die("x");
  w.after(1s);
  w.die("x");
  CAF_CHECK_EQUAL(w.state("x"), "failed");
}

CAF_TEST(jitter stays within a fifth and within the bounds) {
  backoff_policy policy;
  CAF_CHECK(backoff_delay(policy, 0, 0.0) == 200ms); // clamped to min
  CAF_CHECK(backoff_delay(policy, 0, 0.999999) == 240ms);
  CAF_CHECK(backoff_delay(policy, 3, 0.0) == 1'280ms);
  CAF_CHECK(backoff_delay(policy, 3, 0.5) == 1'600ms);
  CAF_CHECK(backoff_delay(policy, 3, 0.999999) == 1'920ms);
  CAF_CHECK(backoff_delay(policy, 1'000'000, 0.999999) == 30s);
}

CAF_TEST(a long healthy run makes the first restart immediate and starts the delays over) {
  world w;
  w.boot({leaf("x")});
  w.die("x");
  w.after(200ms);
  w.die("x");
  w.after(400ms);
  w.take();
  w.after(60s);
  w.die("x");
  CAF_CHECK_EQUAL(w.take(), "start x");
  CAF_CHECK_EQUAL(w.state("x"), "ready");
  w.die("x");
  CAF_CHECK(w.at("x").next_start == 200ms);
}

CAF_TEST(just under a minute of readiness proves nothing) {
  world w;
  w.boot({leaf("x")});
  w.after(60s - 1ms);
  w.die("x");
  CAF_CHECK(w.at("x").next_start == 200ms);
}

CAF_TEST(a child that is not ready in time is killed and tried again) {
  world w;
  w.silent = {"x"};
  w.boot({process("x")});
  w.after(10s - 1ms);
  CAF_CHECK_EQUAL(w.take(), "start x");
  w.after(1ms);
  CAF_CHECK_EQUAL(w.take(), "kill x");
  CAF_CHECK_EQUAL(w.state("x"), "backoff");
  CAF_CHECK(w.at("x").deaths.back().cause == death_cause::timeout);
  CAF_CHECK(w.at("x").reason.find("restarts in 0.2 s: was not ready in time") == 0);
}

CAF_TEST(progress extends the start up to its bound) {
  world w;
  w.silent = {"x"};
  w.boot({process("x")});
  for (int i = 0; i < 5; ++i) {
    w.after(5s);
    w.say("x", start_progress{"reads page " + std::to_string(i)});
  }
  CAF_CHECK_EQUAL(w.state("x"), "starting");
  CAF_CHECK_EQUAL(w.at("x").reason, "reads page 4");
  w.after(5s - 1ms);
  CAF_CHECK_EQUAL(w.state("x"), "starting");
  w.after(1ms);
  CAF_CHECK_EQUAL(w.state("x"), "backoff");
}

CAF_TEST(codes that no restart can help fail at once with what they mean) {
  for (auto [code, meaning] :
       {std::pair{78, "configuration error"}, std::pair{125, "permanent failure"},
        std::pair{126, "program cannot be executed"}, std::pair{127, "program not found"}}) {
    world w;
    w.boot({process("x")});
    w.die("x", code);
    CAF_CHECK_EQUAL(w.state("x"), "failed");
    CAF_CHECK_EQUAL(w.at("x").reason, "exit code " + std::to_string(code) + ": " + meaning);
    CAF_CHECK_EQUAL(w.escalation, "");
    w.after(1h);
    CAF_CHECK_EQUAL(w.take(), "start x, kill x");
  }
}

CAF_TEST(a program that is missing fails with what to install and starts when asked) {
  world w;
  w.silent = {"x"};
  w.boot({process("x")});
  w.children["x"].alive = false;
  w.say("x", spawn_failed{"Xvfb is not installed: apt-get install xvfb", true});
  CAF_CHECK_EQUAL(w.state("x"), "failed");
  CAF_CHECK(w.at("x").reason.find("apt-get install xvfb") != std::string::npos);
  w.silent.clear();
  CAF_CHECK(w.nodes.start("x", w.clock).has_value());
  w.play();
  CAF_CHECK_EQUAL(w.state("x"), "ready");
}

CAF_TEST(three missed probes kill a hung child within four seconds and a half) {
  world w;
  auto spec = process("x");
  spec.live.enabled = true;
  w.boot({spec});
  w.take();
  for (int i = 0; i < 100; ++i) {
    w.after(1s);
    w.say("x", probe_ok{});
  }
  w.after(4s - 1ms);
  CAF_CHECK_EQUAL(w.state("x"), "ready");
  w.after(1ms);
  CAF_CHECK_EQUAL(w.take(), "kill x, start x"); // after a long healthy run: at once
  CAF_CHECK(w.at("x").deaths.back().cause == death_cause::probe);
}

CAF_TEST(an answer between misses starts the count over) {
  world w;
  auto spec = process("x");
  spec.live.enabled = true;
  w.boot({spec});
  for (int i = 0; i < 50; ++i) {
    w.after(1s);
    w.say("x", probe_missed{"503"});
    w.after(1s);
    w.say("x", probe_missed{"503"});
    w.after(1s);
    w.say("x", probe_ok{});
  }
  CAF_CHECK_EQUAL(w.state("x"), "ready");
  CAF_CHECK_EQUAL(w.at("x").restarts, 0u);
}

CAF_TEST(a probe is missed once also when both sides count it) {
  world w;
  auto spec = process("x");
  spec.live.enabled = true;
  w.boot({spec});
  w.after(2s); // asked at 1 s, given up at 2 s, asked again
  w.say("x", probe_missed{"time is up"});
  w.after(1s - 1ms);
  CAF_CHECK_EQUAL(w.nodes.machine("x")->misses, 1u);
  w.after(1ms);
  CAF_CHECK_EQUAL(w.nodes.machine("x")->misses, 2u);
}

CAF_TEST(an exhausted child with cooldown gets one attempt each period) {
  world w;
  auto spec = leaf("x");
  spec.on_exhausted = exhausted_policy::cooldown;
  spec.budget.deaths = 1;
  w.boot({spec});
  w.die("x");
  w.after(200ms);
  w.die("x");
  CAF_CHECK_EQUAL(w.state("x"), "cooldown");
  w.take();
  for (int i = 0; i < 3; ++i) {
    w.after(300s - 1ms);
    CAF_CHECK_EQUAL(w.take(), "");
    w.after(1ms);
    CAF_CHECK_EQUAL(w.take(), "start x");
    w.die("x");
    CAF_CHECK_EQUAL(w.state("x"), "cooldown");
  }
  w.after(300s);
  w.after(60s); // proven: no longer on probation
  w.die("x");
  CAF_CHECK_EQUAL(w.state("x"), "ready");
}

CAF_TEST(an exhausted child that only degrades is listed and restarts when asked) {
  world w;
  auto spec = leaf("x");
  spec.on_exhausted = exhausted_policy::degrade;
  spec.budget.deaths = 0;
  w.boot({spec, leaf("y")});
  w.die("x");
  CAF_CHECK_EQUAL(w.state("x"), "failed");
  CAF_CHECK_EQUAL(w.escalation, "");
  CAF_CHECK(w.nodes.degraded() == std::vector<child_id>{"x"});
  CAF_CHECK(w.nodes.restart("x", w.clock).has_value());
  w.play();
  CAF_CHECK_EQUAL(w.state("x"), "ready");
  CAF_CHECK(w.nodes.degraded().empty());
}

CAF_TEST(restart policies by ways to end) {
  // permanent, transient, temporary × clean, abnormal, asked
  for (auto policy :
       {restart_policy::permanent, restart_policy::transient, restart_policy::temporary}) {
    for (auto way : {"clean", "abnormal", "asked"}) {
      world w;
      auto spec = leaf("x");
      spec.restart = policy;
      w.boot({spec});
      if (way == std::string{"asked"}) {
        CAF_CHECK(w.nodes.stop("x", w.clock).has_value());
        w.play();
      } else {
        w.die("x", way == std::string{"clean"} ? 0 : 1);
      }
      w.after(10s);
      auto runs = policy == restart_policy::permanent   ? way != std::string{"asked"}
                  : policy == restart_policy::transient ? way == std::string{"abnormal"}
                                                        : false;
      CAF_CHECK_EQUAL(w.alive() == 1, runs);
      CAF_CHECK_EQUAL(w.nodes.contains("x"), policy != restart_policy::temporary);
      if (!runs && policy != restart_policy::temporary)
        CAF_CHECK_EQUAL(w.state("x"), "stopped");
    }
  }
}

CAF_TEST(a stubborn child is killed after its grace and survivors are reported) {
  world w;
  w.stubborn = {"x"};
  auto spec = process("x");
  spec.stop.grace = 2s;
  w.boot({spec});
  w.take();
  CAF_CHECK(w.nodes.stop("x", w.clock).has_value());
  w.play();
  w.after(2s - 1ms);
  CAF_CHECK_EQUAL(w.take(), "stop x");
  w.after(1ms);
  CAF_CHECK_EQUAL(w.take(), "kill x");
  CAF_CHECK_EQUAL(w.state("x"), "stopped");
  CAF_CHECK(w.at("x").deaths.back().expected);
}

CAF_TEST(an end after the kill grace is given up is stale) {
  tree nodes;
  moment clock{time_point{} + 1h, {}, 0.5};
  CAF_REQUIRE(nodes.load({process("x")}).has_value());
  nodes.boot(clock);
  auto first = nodes.take_effects();
  slot where{};
  for (auto& e : first)
    if (auto* s = std::get_if<call_start>(&e))
      where = s->where;
  nodes.heard(where, generation{1}, became_ready{}, clock);
  CAF_CHECK(nodes.stop("x", clock).has_value());
  clock.now += 5s;
  nodes.advance(clock);
  nodes.heard(where, generation{1}, kill_verified{2}, clock); // the leader does not end
  clock.now += 2s;
  nodes.advance(clock);
  auto x = nodes.snapshot(clock).at(1);
  CAF_CHECK(x.state == child_state::stopped);
  CAF_CHECK(x.reason.find("2 of its processes could not be killed") != std::string::npos);
  auto stale = nodes.stale();
  nodes.heard(where, generation{1}, exited{}, clock);
  CAF_CHECK_EQUAL(nodes.stale(), stale + 1);
  CAF_CHECK_EQUAL(nodes.armed_timers(), 0u);
}

CAF_TEST(a death keeps the last twenty lines) {
  world w;
  w.boot({leaf("x")});
  std::vector<std::string> lines;
  for (int i = 0; i < 50; ++i)
    lines.push_back(std::to_string(i));
  w.children["x"].alive = false;
  w.say("x", exited{death_cause::exit, 3, {}, lines});
  auto death = w.at("x").deaths.back();
  CAF_CHECK_EQUAL(death.last_lines.size(), 20u);
  CAF_CHECK_EQUAL(death.last_lines.front(), "30");
  auto told = w.events.back();
  for (const auto& event : w.events)
    if (event.id == "x")
      told = event;
  CAF_CHECK(told.to == child_state::backoff);
  CAF_CHECK(told.death == death);
}

CAF_TEST(a process that appears only after it was killed is killed again) {
  tree nodes;
  moment clock{time_point{} + 1h, {}, 0.5};
  CAF_REQUIRE(nodes.load({process("x")}).has_value());
  nodes.boot(clock);
  nodes.hurry(clock);
  int kills = 0;
  slot where{};
  auto look = [&] {
    for (auto& e : nodes.take_effects()) {
      if (auto* s = std::get_if<call_start>(&e))
        where = s->where;
      kills += std::holds_alternative<call_kill>(e) ? 1 : 0;
    }
  };
  look();
  CAF_CHECK_EQUAL(kills, 1);
  nodes.heard(where, generation{1}, kill_verified{}, clock); // nothing was there to kill
  CAF_CHECK(!nodes.down());
  nodes.heard(where, generation{1}, spawned{7}, clock);
  look();
  CAF_CHECK_EQUAL(kills, 2);
  nodes.heard(where, generation{1}, exited{death_cause::signal, 9, {}, {}}, clock);
  nodes.heard(where, generation{1}, kill_verified{}, clock);
  CAF_CHECK(nodes.down());
}
