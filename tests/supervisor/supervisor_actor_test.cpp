// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE supervisor_actor

#include "supervisor/supervisor_actor.hpp"

#include "check.hpp"

#define FAIL CAF_FAIL // dsl.hpp of 0.17 needs it
#include <caf/test/dsl.hpp>

#include <stdexcept>

using namespace holt;
using namespace holt::supervision;
using namespace std::chrono_literals;

namespace {

/// Does what the test scripted, and writes down what it was told.
class fake_port : public child_port {
public:
  fake_port(std::string name, std::string& log) : name_(std::move(name)), log_(log) {}

  void start(generation gen, event_sink sink) override {
    note("start");
    gen_ = gen;
    say = [gen, sink](child_event what) { sink(gen, std::move(what)); };
    if (throws)
      throw std::runtime_error("out of descriptors");
    for (auto& what : at_start)
      say(what);
  }

  void stop(generation gen) override {
    CAF_CHECK(gen == gen_);
    note("stop");
    if (polite)
      say(exited{death_cause::exit, 0, {}, {}});
  }

  void kill(generation gen) override {
    CAF_CHECK(gen == gen_);
    note("kill");
    if (mortal) {
      say(exited{death_cause::signal, 9, {}, {}});
      say(kill_verified{});
    }
  }

  void probe(generation gen) override {
    CAF_CHECK(gen == gen_);
    note("probe");
    if (answers)
      say(probe_ok{});
  }

  std::vector<child_event> at_start{spawned{42}, became_ready{}};
  std::function<void(child_event)> say;
  bool throws = false;
  bool polite = true;
  bool mortal = true;
  bool answers = true;

private:
  void note(const char* verb) {
    log_ += (log_.empty() ? "" : ", ") + std::string{verb} + " " + name_;
  }

  std::string name_;
  std::string& log_;
  generation gen_{};
};

struct fixture : test_coordinator_fixture<> {
  std::string log;
  std::vector<supervision_event> events;
  int all_ready = 0;
  std::string escalation;
  std::map<std::string, std::shared_ptr<fake_port>> ports;
  supervisor_actor sup;
  caf::scoped_actor alien{sys};

  child_spec child(const std::string& id, std::vector<child_id> deps = {}) {
    child_spec spec;
    spec.id = id;
    spec.depends_on = std::move(deps);
    spec.backoff.jitter = 0;
    ports[id] = std::make_shared<fake_port>(id, log);
    spec.port = ports[id];
    return spec;
  }

  void boot_with(std::vector<child_spec> specs) {
    supervisor_observers observers;
    observers.on_event = [this](const supervision_event& e) {
      events.push_back(e);
      throw std::runtime_error("an observer that throws harms nobody");
    };
    observers.on_all_ready = [this] { ++all_ready; };
    observers.on_escalated = [this](const std::string& why) { escalation = why; };
    auto spawned_one = spawn_supervisor(sys, std::move(specs), observers, {"holt", 1});
    CAF_REQUIRE(spawned_one.has_value());
    sup = *spawned_one;
    drain();
    caf::anon_send(sup, boot{});
    drain();
  }

  // The coordinator's own run() would ring every timer at once.
  void drain() {
    while (sched.try_run_once()) {
    }
  }

  void after(std::chrono::milliseconds d) {
    // In steps: each timer is armed by what the one before it did.
    constexpr auto tick = 50ms;
    for (; d >= tick; d -= tick) {
      sched.advance_time(tick);
      drain();
    }
    sched.advance_time(d);
    drain();
  }

  template <class Answer, class Request>
  Answer ask(Request what) {
    alien->send(sup, std::move(what));
    drain();
    Answer answer;
    auto got = false;
    alien->receive([&](Answer& x) { answer = std::move(x), got = true; }, caf::after(0s) >> [] {});
    CAF_CHECK(got);
    return answer;
  }

  child_snapshot at(const child_id& id) {
    for (auto& s : ask<tree_report>(snapshot_request{}).nodes)
      if (s.id == id)
        return s;
    return {};
  }

  std::string state(const child_id& id) { return std::string{to_string(at(id).state)}; }
  std::string take() { return std::exchange(log, {}); }

  void end() {
    if (!sup)
      return;
    for (auto& [id, port] : ports)
      port->mortal = port->polite = true;
    caf::anon_send_exit(sup, caf::exit_reason::user_shutdown);
    drain();
    after(20s);
    sup = nullptr;
    for (auto& [id, port] : ports)
      port->say = nullptr;
  }

  ~fixture() { end(); }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(supervisor_actor_tests, fixture)

CAF_TEST(nothing starts before boot and all is told after it) {
  boot_with({child("x"), child("y", {"x"})});
  CAF_CHECK_EQUAL(take(), "start x, start y");
  CAF_CHECK_EQUAL(all_ready, 1);
  auto report = ask<tree_report>(snapshot_request{});
  CAF_CHECK(report.ready);
  CAF_CHECK(report.degraded.empty());
  CAF_CHECK_EQUAL(report.nodes.size(), 3u);
  CAF_CHECK_EQUAL(report.nodes[0].id, "holt");
  CAF_CHECK_EQUAL(at("x").pid, 42);
  CAF_CHECK(events.size() >= 4);
}

CAF_TEST(a dead child restarts when its delay is over and not before) {
  boot_with({child("x")});
  take();
  ports["x"]->say(exited{death_cause::signal, 11, {}, {"segmentation fault"}});
  drain();
  CAF_CHECK_EQUAL(take(), "kill x"); // the sweep
  CAF_CHECK_EQUAL(at("x").reason, "restarts in 0.2 s: killed by signal 11");
  sched.advance_time(199ms);
  drain();
  CAF_CHECK_EQUAL(take(), "");
  sched.advance_time(1ms);
  drain();
  CAF_CHECK_EQUAL(take(), "start x");
  CAF_CHECK_EQUAL(state("x"), "ready");
  CAF_CHECK(at("x").deaths.back().last_lines == std::vector<std::string>{"segmentation fault"});
}

CAF_TEST(an exit before the spawn is reported and a second exit change nothing more) {
  auto spec = child("x");
  ports["x"]->at_start = {exited{death_cause::exit, 1, {}, {}},
                          exited{death_cause::exit, 1, {}, {}}, spawned{42}, became_ready{}};
  ports["x"]->mortal = false;
  boot_with({spec});
  CAF_CHECK_EQUAL(take(), "start x, kill x");
  CAF_CHECK_EQUAL(state("x"), "killing");
  ports["x"]->say(kill_verified{});
  ports["x"]->say(kill_verified{});
  drain();
  CAF_CHECK_EQUAL(state("x"), "backoff");
  CAF_CHECK_EQUAL(at("x").restarts, 1u);
  auto report = ask<tree_report>(snapshot_request{});
  CAF_CHECK_EQUAL(report.stale, 3u); // second exit, became_ready, second verification
}

CAF_TEST(a late exit of an earlier start does not touch the present one) {
  boot_with({child("x")});
  auto earlier = ports["x"]->say;
  earlier(exited{});
  drain();
  after(200ms);
  CAF_CHECK_EQUAL(state("x"), "ready");
  earlier(exited{});
  earlier(kill_verified{});
  drain();
  CAF_CHECK_EQUAL(state("x"), "ready");
  CAF_CHECK_EQUAL(at("x").restarts, 1u);
}

CAF_TEST(a child that does not answer its probes is killed and restarted) {
  auto spec = child("x");
  spec.live.enabled = true;
  boot_with({spec});
  after(10s);
  CAF_CHECK_EQUAL(state("x"), "ready");
  take();
  ports["x"]->answers = false;
  after(4'500ms);
  CAF_CHECK_EQUAL(take(), "probe x, probe x, probe x, kill x, start x");
  CAF_CHECK(at("x").deaths.back().cause == death_cause::probe);
}

CAF_TEST(a port that throws is a failed start) {
  auto spec = child("x");
  ports["x"]->throws = true;
  boot_with({spec});
  CAF_CHECK_EQUAL(state("x"), "backoff");
  CAF_CHECK(at("x").reason.find("out of descriptors") != std::string::npos);
  ports["x"]->throws = false;
  after(200ms);
  CAF_CHECK_EQUAL(state("x"), "ready");
}

CAF_TEST(requests are answered and refusals carry their error) {
  boot_with({child("x"), child("y", {"x"})});
  take();
  CAF_CHECK(ask<outcome>(stop_request{"x"}).ok());
  CAF_CHECK_EQUAL(take(), "stop y, kill y, stop x, kill x");
  CAF_CHECK(ask<outcome>(start_request{"x"}).ok());
  CAF_CHECK_EQUAL(take(), "start x, start y");
  CAF_CHECK(ask<outcome>(restart_request{"y"}).ok());
  CAF_CHECK_EQUAL(take(), "stop y, kill y, start y");
  CAF_CHECK(ask<outcome>(start_request{"nobody"}).why.code == errc::not_found);
  CAF_CHECK(ask<outcome>(stop_request{"holt"}).why.code == errc::conflict);
  auto spec = child("z", {"y"});
  spec.restart = restart_policy::temporary;
  CAF_CHECK(ask<outcome>(add_request{spec}).ok());
  CAF_CHECK_EQUAL(take(), "start z");
  CAF_CHECK(ask<outcome>(add_request{spec}).why.code == errc::conflict);
  CAF_CHECK(ask<outcome>(remove_request{"y"}).why.code == errc::conflict);
  CAF_CHECK(ask<outcome>(remove_request{"z"}).ok());
  CAF_CHECK_EQUAL(take(), "stop z, kill z");
  CAF_CHECK_EQUAL(ask<tree_report>(snapshot_request{}).nodes.size(), 3u);
}

CAF_TEST(stop all answers when no child is left) {
  boot_with({child("x"), child("y", {"x"})});
  ports["y"]->polite = false;
  take();
  alien->send(sup, stop_all_request{});
  drain();
  CAF_CHECK_EQUAL(take(), "stop y");
  auto answered = false;
  auto look
    = [&] { alien->receive([&](stop_all_done) { answered = true; }, caf::after(0s) >> [] {}); };
  after(5s - 50ms);
  look();
  CAF_CHECK(!answered);
  after(50ms);
  CAF_CHECK_EQUAL(take(), "kill y, stop x, kill x");
  look();
  CAF_CHECK(answered);
  ask<stop_all_done>(stop_all_request{}); // again: at once
  CAF_CHECK(ask<outcome>(start_request{"x"}).why.code == errc::shutting_down);
}

CAF_TEST(hurry cuts the graces short) {
  boot_with({child("x"), child("y", {"x"})});
  ports["y"]->polite = ports["x"]->polite = false;
  alien->send(sup, stop_all_request{});
  drain();
  caf::anon_send(sup, hurry{});
  drain();
  auto answered = false;
  alien->receive([&](stop_all_done) { answered = true; }, caf::after(0s) >> [] {});
  CAF_CHECK(answered);
}

CAF_TEST(what cannot be killed holds the stop up for the kill grace only) {
  boot_with({child("x")});
  ports["x"]->polite = ports["x"]->mortal = false;
  alien->send(sup, stop_all_request{});
  drain();
  after(7s);
  auto answered = false;
  alien->receive([&](stop_all_done) { answered = true; }, caf::after(0s) >> [] {});
  CAF_CHECK(answered);
  CAF_CHECK(at("x").reason.find("could not be verified") != std::string::npos);
}

CAF_TEST(an exit message stops the children first) {
  boot_with({child("x")});
  ports["x"]->polite = false;
  take();
  alien->monitor(sup);
  caf::anon_send_exit(sup, caf::exit_reason::user_shutdown);
  drain();
  CAF_CHECK_EQUAL(take(), "stop x");
  after(5s);
  CAF_CHECK_EQUAL(take(), "kill x");
  auto down = false;
  alien->receive([&](caf::down_msg&) { down = true; }, caf::after(0s) >> [] {});
  CAF_CHECK(down);
  ports["x"]->say(exited{}); // a sink outlives its supervisor
  drain();
}

CAF_TEST(the root escalates to its observer) {
  auto spec = child("x");
  spec.budget.deaths = 1;
  boot_with({spec});
  ports["x"]->say(exited{});
  drain();
  after(200ms);
  ports["x"]->say(exited{});
  drain();
  CAF_CHECK(escalation.find("x gave up after 2 deaths within 120 s") == 0);
}

CAF_TEST(a list that is wrong spawns nothing) {
  auto spec = child("x", {"nobody"});
  auto refused = spawn_supervisor(sys, {spec});
  CAF_CHECK(refused.has_error());
  CAF_CHECK(refused.error().code == errc::config);
}

CAF_TEST(an hour of probes leaves no pile of timers behind) {
  auto spec = child("x");
  spec.live.enabled = true;
  boot_with({spec});
  for (int i = 0; i < 3'600; ++i) {
    sched.advance_time(1s);
    drain();
  }
  CAF_CHECK_EQUAL(state("x"), "ready");
  auto& clock = dynamic_cast<caf::detail::test_actor_clock&>(sys.clock());
  CAF_CHECK(clock.schedule().size() <= 3);
}

CAF_TEST_FIXTURE_SCOPE_END()
