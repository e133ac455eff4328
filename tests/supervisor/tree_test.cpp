// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE tree

#include "world.hpp"

#include <caf/all.hpp>

using namespace holt;
using namespace holt::supervision;
using namespace holt::supervision::test;

namespace {

/// x_server ← {window_manager, x_client}, x_client ← recorder; audio alone.
std::vector<child_spec> desktop() {
  return {process("x_server"), process("window_manager", {"x_server"}),
          leaf("x_client", {"x_server"}), leaf("recorder", {"x_client"}), process("audio")};
}

bool is(const result<void>& r, errc code) {
  return r.has_error() && r.error().code == code;
}

} // namespace

CAF_TEST(children start when what they depend on is ready) {
  world w;
  w.silent = {"x_server"};
  w.boot(desktop());
  CAF_CHECK_EQUAL(w.take(), "start x_server, start audio");
  CAF_CHECK_EQUAL(w.state("window_manager"), "waiting");
  CAF_CHECK_EQUAL(w.at("window_manager").reason, "waits for x_server");
  CAF_CHECK_EQUAL(w.at("holt").reason, "waits for x_server");
  w.say("x_server", became_ready{});
  CAF_CHECK_EQUAL(w.take(), "start window_manager, start x_client, start recorder");
  CAF_CHECK_EQUAL(w.state("holt"), "ready");
  CAF_CHECK_EQUAL(w.all_ready_told, 1);
}

CAF_TEST(a death stops the dependents in reverse order and brings them back) {
  world w;
  w.boot(desktop());
  w.take();
  w.kill9("x_server");
  CAF_CHECK_EQUAL(w.take(), "kill x_server, stop window_manager, stop recorder, "
                            "kill window_manager, stop x_client");
  CAF_CHECK_EQUAL(w.state("x_server"), "backoff");
  CAF_CHECK_EQUAL(w.at("x_server").reason, "restarts in 0.2 s: killed by signal 9");
  CAF_CHECK_EQUAL(w.at("x_client").reason, "waits for x_server, which died");
  CAF_CHECK(w.nodes.degraded()
            == (std::vector<child_id>{"x_server", "window_manager", "x_client", "recorder"}));
  w.after(200ms);
  CAF_CHECK_EQUAL(w.take(), "start x_server, start window_manager, start x_client, start recorder");
  CAF_CHECK_EQUAL(w.at("x_client").restarts, 0u);
  CAF_CHECK_EQUAL(w.at("x_client").budget_used, 0u);
  CAF_CHECK_EQUAL(w.at("x_server").budget_used, 1u);
  CAF_CHECK_EQUAL(w.all_ready_told, 1);
}

CAF_TEST(an immediate restart still waits until the dependents are down) {
  world w;
  w.boot(desktop());
  w.after(60s);
  w.stubborn = {"recorder"};
  w.take();
  w.kill9("x_server");
  CAF_CHECK_EQUAL(w.take(), "kill x_server, stop window_manager, stop recorder, "
                            "kill window_manager");
  CAF_CHECK_EQUAL(w.state("x_server"), "waiting");
  CAF_CHECK_EQUAL(w.at("x_server").reason, "waits for what depends on it to stop");
  w.after(5s);
  CAF_CHECK_EQUAL(w.take(), "kill recorder, stop x_client, start x_server, start window_manager, "
                            "start x_client, start recorder");
}

CAF_TEST(a death next to the death of the dependency is forgiven in either order) {
  world w;
  w.boot(desktop());
  w.after(1h);
  for (int i = 0; i < 30; ++i) {
    // The client notices the broken connection before the server's end is known.
    w.die("x_client", 1);
    w.after(5ms);
    if (w.children["window_manager"].alive)
      w.die("window_manager", 1);
    w.kill9("x_server");
    w.after(120s);
    CAF_CHECK_EQUAL(w.state("holt"), "ready");
  }
  CAF_CHECK_EQUAL(w.at("x_client").budget_used, 0u);
  CAF_CHECK_EQUAL(w.at("window_manager").budget_used, 0u);
  CAF_CHECK_EQUAL(w.at("recorder").restarts, 0u);
}

CAF_TEST(a stopped child is held with its dependents until it is started) {
  world w;
  w.boot(desktop());
  CAF_CHECK(w.nodes.stop("window_manager", w.clock).has_value());
  w.play();
  w.take();
  CAF_CHECK(w.nodes.stop("x_server", w.clock).has_value());
  w.play();
  CAF_CHECK_EQUAL(w.take(), "stop recorder, stop x_client, stop x_server, kill x_server");
  CAF_CHECK_EQUAL(w.state("x_server"), "stopped");
  CAF_CHECK_EQUAL(w.at("x_server").reason, "stopped on request");
  CAF_CHECK_EQUAL(w.state("recorder"), "waiting");
  CAF_CHECK_EQUAL(w.at("x_client").reason, "waits for x_server, which is stopped");
  w.after(1h);
  CAF_CHECK_EQUAL(w.take(), "");
  CAF_CHECK(w.nodes.start("x_server", w.clock).has_value());
  w.play();
  // The window manager had been stopped by itself: it stays so.
  CAF_CHECK_EQUAL(w.take(), "start x_server, start x_client, start recorder");
  CAF_CHECK_EQUAL(w.state("window_manager"), "stopped");
}

CAF_TEST(a restart on request goes around the dependents and counts against nobody) {
  world w;
  w.boot(desktop());
  w.take();
  CAF_CHECK(w.nodes.restart("x_client", w.clock).has_value());
  w.play();
  CAF_CHECK_EQUAL(w.take(), "stop recorder, stop x_client, start x_client, start recorder");
  CAF_CHECK_EQUAL(w.at("x_client").restarts, 0u);
  CAF_CHECK(w.at("x_client").deaths.back().expected);
}

CAF_TEST(the tally counts the last hundred deaths of a child by their cause) {
  world w;
  auto spec = process("x");
  spec.budget.deaths = 1000;
  w.boot({spec});
  CAF_CHECK_EQUAL(w.at("x").tally.deaths, 0u);
  const auto begin = w.clock.wall;
  for (int i = 0; i < 130; ++i) {
    w.clock.wall = begin + std::chrono::seconds{i};
    if (i % 4 == 0)
      w.kill9("x");
    else
      w.die("x", 3);
    w.say("x", kill_verified{});
    w.after(1min);
    CAF_REQUIRE(w.state("x") == "ready");
  }
  CAF_CHECK(w.nodes.stop("x", w.clock).has_value());
  w.play();
  const auto tally = w.at("x").tally;
  CAF_CHECK_EQUAL(tally.deaths, 100u);
  CAF_CHECK_EQUAL(tally.unexpected, 99u);
  CAF_CHECK_EQUAL(tally.by_cause.at("signal 9"), 25u);
  CAF_CHECK_EQUAL(tally.by_cause.at("exit 3"), 74u);
  CAF_CHECK_EQUAL(tally.by_cause.at("exit 0"), 1u);
  CAF_CHECK((tally.since == begin + std::chrono::seconds{31}));
  CAF_CHECK_EQUAL(w.at("x").deaths.size(), 5u);
}

CAF_TEST(the peak of memory comes into the death record) {
  world w;
  w.boot({process("x")});
  exited what;
  what.code = 1;
  what.peak_rss_bytes = 77 << 20;
  w.children["x"].alive = false;
  w.say("x", what);
  const auto node = w.at("x");
  CAF_REQUIRE(!node.deaths.empty());
  CAF_CHECK_EQUAL(node.deaths.back().peak_rss_bytes, std::uint64_t{77 << 20});
}

CAF_TEST(everything stops in reverse dependency order for good) {
  world w;
  w.boot(desktop());
  w.take();
  w.nodes.stop_all(w.clock);
  w.play();
  CAF_CHECK_EQUAL(w.take(), "stop window_manager, stop recorder, stop audio, "
                            "kill window_manager, stop x_client, kill audio, stop x_server, "
                            "kill x_server");
  CAF_CHECK_EQUAL(w.all_down_told, 1);
  CAF_CHECK_EQUAL(w.alive(), 0u);
  CAF_CHECK_EQUAL(w.nodes.armed_timers(), 0u);
  CAF_CHECK(is(w.nodes.start("x_server", w.clock), errc::shutting_down));
  CAF_CHECK(is(w.nodes.restart("x_server", w.clock), errc::shutting_down));
  CAF_CHECK(is(w.nodes.add(leaf("y"), w.clock), errc::shutting_down));
}

CAF_TEST(an orderly stop reaches children in every state) {
  world w;
  w.silent = {"window_manager", "audio"};
  auto specs = desktop();
  specs.push_back(leaf("lazy"));
  specs.back().autostart = false;
  w.boot(specs);
  w.die("x_client");
  w.stubborn = {"audio"};
  w.nodes.stop_all(w.clock);
  w.play();
  CAF_CHECK_EQUAL(w.all_down_told, 0);
  w.after(5s);
  CAF_CHECK_EQUAL(w.all_down_told, 1);
  CAF_CHECK_EQUAL(w.alive(), 0u);
  CAF_CHECK_EQUAL(w.state("lazy"), "idle");
}

CAF_TEST(hurry ends all graces and all waiting for each other) {
  world w;
  w.boot(desktop());
  w.stubborn = {"recorder", "x_client", "x_server", "window_manager"};
  w.nodes.stop_all(w.clock);
  w.play();
  CAF_CHECK(w.alive() > 0);
  w.nodes.hurry(w.clock);
  w.play();
  CAF_CHECK_EQUAL(w.alive(), 0u);
  CAF_CHECK_EQUAL(w.all_down_told, 1);
}

CAF_TEST(an optional child that fails blocks nobody) {
  world w;
  auto specs = desktop();
  specs[4].optional = true;
  specs.push_back(leaf("mixer", {"audio"}));
  specs.back().optional = true;
  w.silent = {"audio"};
  w.boot(specs);
  CAF_CHECK_EQUAL(w.state("holt"), "ready");
  CAF_CHECK_EQUAL(w.all_ready_told, 0); // it may still come
  w.die("audio", 127);
  CAF_CHECK_EQUAL(w.all_ready_told, 1);
  CAF_CHECK(w.nodes.degraded() == (std::vector<child_id>{"audio", "mixer"}));
  CAF_CHECK_EQUAL(w.at("mixer").reason, "waits for audio, which has failed");
}

CAF_TEST(a required child that fails keeps the tree from being ready and says so) {
  world w;
  w.silent = {"x_server"};
  w.boot(desktop());
  w.die("x_server", 127);
  CAF_CHECK_EQUAL(w.all_ready_told, 0);
  CAF_CHECK_EQUAL(w.state("holt"), "failed");
  CAF_CHECK_EQUAL(w.at("holt").reason, "x_server has failed: exit code 127: program not found");
}

CAF_TEST(the root escalates once) {
  world w;
  auto specs = desktop();
  for (auto& s : specs)
    s.budget.deaths = 0;
  w.boot(specs);
  w.kill9("x_server");
  CAF_CHECK_EQUAL(w.escalation.substr(0, 19), "x_server gave up af");
  w.escalation.clear();
  w.kill9("audio");
  CAF_CHECK_EQUAL(w.escalation, "");
}

CAF_TEST(requests that make no sense are refused with a reason) {
  world w;
  w.boot({group("g"), leaf("x", {}, "g"), leaf("y", {"x"}), temporary("t", "g")});
  CAF_CHECK(is(w.nodes.start("nobody", w.clock), errc::not_found));
  CAF_CHECK(is(w.nodes.stop("nobody", w.clock), errc::not_found));
  CAF_CHECK(is(w.nodes.restart("nobody", w.clock), errc::not_found));
  CAF_CHECK(is(w.nodes.remove("nobody", w.clock), errc::not_found));
  CAF_CHECK(is(w.nodes.stop("holt", w.clock), errc::conflict));
  CAF_CHECK(is(w.nodes.restart("holt", w.clock), errc::conflict));
  CAF_CHECK(is(w.nodes.remove("x", w.clock), errc::conflict));
  CAF_CHECK(is(w.nodes.remove("g", w.clock), errc::conflict));
  CAF_CHECK(is(w.nodes.restart("t", w.clock), errc::conflict));
  CAF_CHECK(is(w.nodes.add(leaf("x"), w.clock), errc::conflict));
  CAF_CHECK(is(w.nodes.add(leaf("z", {}, "nobody"), w.clock), errc::not_found));
  CAF_CHECK(is(w.nodes.add(leaf("z", {"nobody"}), w.clock), errc::not_found));
  CAF_CHECK(is(w.nodes.add(leaf("z", {}, "x"), w.clock), errc::conflict));
  CAF_CHECK(is(w.nodes.add(leaf("z", {"g"}, "g"), w.clock), errc::conflict));
  CAF_CHECK(is(w.nodes.add(leaf("z", {"holt"}), w.clock), errc::conflict));
  CAF_CHECK(is(w.nodes.add(leaf("z", {"t"}), w.clock), errc::conflict));
  auto bad = leaf("z");
  bad.backoff.min = -1ms;
  CAF_CHECK(is(w.nodes.add(bad, w.clock), errc::invalid_request));
  CAF_CHECK(w.nodes.stop("g", w.clock).has_value());
  w.play();
  CAF_CHECK(is(w.nodes.start("x", w.clock), errc::conflict));
  CAF_CHECK(is(w.nodes.add(temporary("u", "g"), w.clock), errc::conflict));
  CAF_CHECK_EQUAL(w.nodes.size(), 4u); // root, g, x, y: the temporary child has left
}

CAF_TEST(a stopped child that was removed is gone and its id is free) {
  world w;
  w.boot({leaf("x")});
  CAF_CHECK(w.nodes.remove("x", w.clock).has_value());
  auto old = w.children["x"];
  w.play();
  CAF_CHECK(!w.nodes.contains("x"));
  CAF_CHECK(w.nodes.add(leaf("x"), w.clock).has_value());
  w.play();
  CAF_CHECK_EQUAL(w.state("x"), "ready");
  // The same generation number, but of the first one: changes nothing.
  auto stale = w.nodes.stale();
  w.nodes.heard(old.where, old.gen, exited{}, w.clock);
  CAF_CHECK_EQUAL(w.nodes.stale(), stale + 1);
  CAF_CHECK_EQUAL(w.state("x"), "ready");
}

CAF_TEST(a list of children is checked as a whole and the error names id and field) {
  auto problem = [](std::vector<child_spec> specs) {
    auto r = validate(specs);
    return r ? std::string{"fine"} : r.error().detail;
  };
  CAF_CHECK_EQUAL(problem(desktop()), "fine");
  CAF_CHECK_EQUAL(problem({leaf("x"), leaf("x")}), "child \"x\": id is not unique");
  CAF_CHECK_EQUAL(problem({leaf("x", {"y"})}), "child \"x\": depends_on \"y\" is not known");
  CAF_CHECK_EQUAL(problem({leaf("x", {}, "g")}), "child \"x\": parent \"g\" is not known");
  CAF_CHECK_EQUAL(problem({leaf("g"), leaf("x", {}, "g")}),
                  "child \"x\": parent \"g\" is not a group");
  CAF_CHECK_EQUAL(problem({leaf("x", {"y"}), leaf("y", {"x"})}),
                  "child \"x\": depends_on is part of a cycle");
  CAF_CHECK(problem({group("g"), leaf("x", {"g"}, "g")}).find("cycle") != std::string::npos);
  CAF_CHECK(problem({group("g", {"h"}), group("h"), leaf("x", {}, "g"), leaf("y", {"x"}, "h")})
              .find("cycle")
            != std::string::npos);
  CAF_CHECK(problem({group("g", {}, "h"), group("h", {}, "g")}).find("cycle") != std::string::npos);
  CAF_CHECK_EQUAL(problem({temporary("t", ""), leaf("x", {"t"})}),
                  "child \"x\": depends_on \"t\" is temporary");
  const auto field = [&](auto change) {
    auto spec = leaf("x");
    change(spec);
    auto text = problem({spec});
    return text.substr(0, text.find(' ', 11));
  };
  CAF_CHECK_EQUAL(field([](auto& s) { s.port = nullptr; }), "child \"x\": port");
  CAF_CHECK_EQUAL(field([](auto& s) { s.backoff.max = 1ms; }), "child \"x\": backoff.max");
  CAF_CHECK_EQUAL(field([](auto& s) { s.backoff.factor = 0.5; }), "child \"x\": backoff.factor");
  CAF_CHECK_EQUAL(field([](auto& s) { s.backoff.jitter = -1; }), "child \"x\": backoff.jitter");
  CAF_CHECK_EQUAL(field([](auto& s) { s.ready.timeout = 0ms; }), "child \"x\": ready.timeout");
  CAF_CHECK_EQUAL(field([](auto& s) { s.stop.grace = -1ms; }), "child \"x\": stop.grace");
  CAF_CHECK_EQUAL(field([](auto& s) { s.stop.kill_grace = 0ms; }), "child \"x\": stop.kill_grace");
  CAF_CHECK_EQUAL(field([](auto& s) { s.budget.window = 0ms; }), "child \"x\": budget.window");
  CAF_CHECK_EQUAL(field([](auto& s) {
                    s.live.enabled = true;
                    s.live.misses = 0;
                  }),
                  "child \"x\": live.misses");
  CAF_CHECK_EQUAL(field([](auto& s) { s.one_for_all = true; }), "child \"x\": one_for_all");
}
