// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE child_table

#include "supervisor/child_machine.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <sstream>

using namespace holt;
using namespace holt::supervision;
using namespace std::chrono_literals;

namespace {

const moment now{time_point{} + 1h, {}, 0.5};

child_spec policy() {
  child_spec spec;
  spec.id = "x";
  spec.live.enabled = true;
  spec.backoff.jitter = 0;
  return spec;
}

constexpr std::string_view timer_names[]
  = {"ready_timeout", "grace",    "kill_grace",  "backoff",
     "stable",        "cooldown", "live_period", "live_timeout"};

machine_event event_of(event_kind kind, const child& c) {
  auto port = [&](child_event what) { return port_said{c.gen, std::move(what)}; };
  switch (kind) {
  case event_kind::start: return start_asked{};
  case event_kind::stop: return stop_asked{};
  case event_kind::restart: return restart_asked{};
  case event_kind::hurry: return hurry_asked{};
  case event_kind::dep_ready: return dep_ready{};
  case event_kind::dep_lost: return dep_lost{};
  case event_kind::spawned: return port(spawned{7});
  case event_kind::spawn_failed: return port(spawn_failed{"no memory", false});
  case event_kind::became_ready: return port(became_ready{});
  case event_kind::start_progress: return port(start_progress{"loads"});
  case event_kind::probe_ok: return port(probe_ok{});
  case event_kind::probe_missed: return port(probe_missed{});
  case event_kind::exited: return port(exited{death_cause::exit, 1, {}, {}});
  case event_kind::kill_verified: return port(kill_verified{});
  default: break;
  }
  auto which
    = static_cast<timer>(static_cast<int>(kind) - static_cast<int>(event_kind::ready_timeout));
  return timer_rang{which, timer_epoch{99}};
}

child fed(child c, std::initializer_list<machine_event> events) {
  for (const auto& e : events)
    c = step(std::move(c), e, policy(), now).next;
  return c;
}

machine_event rings(const child& c, timer which) {
  return timer_rang{which, c.armed[static_cast<std::size_t>(which)]};
}

/// A child in this state, by the shortest way, free to run unless it waits.
child in(child_state state) {
  const auto said = [](child_event what) { return port_said{generation{1}, std::move(what)}; };
  const auto exit = said(exited{death_cause::exit, 1, {}, {}});
  auto c = fed({}, {dep_ready{}});
  switch (state) {
  case child_state::idle: break;
  case child_state::waiting: c = fed({}, {start_asked{}}); break;
  case child_state::starting: c = fed(c, {start_asked{}}); break;
  case child_state::ready:
    c = fed(c, {start_asked{}, said(became_ready{})});
    c = fed(c, {rings(c, timer::live_period)});
    break;
  case child_state::unhealthy:
    c = fed(c, {start_asked{}, said(became_ready{})});
    for (int i = 0; i < 3; ++i) {
      c = fed(c, {rings(c, timer::live_period)});
      c = fed(c, {rings(c, timer::live_timeout)});
    }
    break;
  case child_state::stopping: c = fed(c, {start_asked{}, stop_asked{}}); break;
  case child_state::killing:
    c = fed(c, {start_asked{}});
    c = fed(c, {rings(c, timer::ready_timeout)});
    break;
  case child_state::backoff: c = fed(c, {start_asked{}, exit, said(kill_verified{})}); break;
  case child_state::cooldown: {
    auto once = policy();
    once.budget.deaths = 0;
    once.on_exhausted = exhausted_policy::cooldown;
    for (const machine_event& e :
         {machine_event{start_asked{}}, machine_event{exit}, machine_event{said(kill_verified{})}})
      c = step(std::move(c), e, once, now).next;
  } break;
  case child_state::stopped: c = fed({}, {start_asked{}, stop_asked{}, dep_ready{}}); break;
  case child_state::failed:
    c = fed(c,
            {start_asked{}, said(exited{death_cause::exit, 127, {}, {}}), said(kill_verified{})});
    break;
  }
  CAF_REQUIRE(c.state == state);
  return c;
}

/// What a step did: the effects in order, what it remembers, or "stale", or "-".
std::string done(const child& before, const step_result& r) {
  std::string text;
  auto add = [&](std::string word) { text += (text.empty() ? "" : " ") + std::move(word); };
  for (const auto& e : r.effects) {
    if (std::holds_alternative<start_port>(e))
      add("START");
    else if (std::holds_alternative<stop_port>(e))
      add("STOP");
    else if (std::holds_alternative<kill_port>(e))
      add("KILL");
    else if (std::holds_alternative<probe_port>(e))
      add("PROBE");
    else if (auto* a = std::get_if<arm_timer>(&e))
      add("+" + std::string{timer_names[static_cast<std::size_t>(a->which)]});
    else if (auto* x = std::get_if<cancel_timer>(&e))
      add("-" + std::string{timer_names[static_cast<std::size_t>(x->which)]});
    else if (auto* s = std::get_if<state_changed>(&e))
      add(std::string{to_string(s->to)});
    else if (std::holds_alternative<death_recorded>(e))
      add("DEATH");
    else if (std::holds_alternative<escalated>(e))
      add("ESCALATE");
    else
      add("LEFT");
  }
  const char* const nexts[] = {"rest", "again", "retry", "fail"};
  const auto& n = r.next;
  if (n.wanted != before.wanted)
    add(n.wanted ? "wanted" : "unwanted");
  if (n.may_run != before.may_run)
    add(n.may_run ? "opened" : "closed");
  if (n.quick != before.quick)
    add("quick");
  if (n.next != before.next)
    add(std::string{"then_"} + nexts[static_cast<std::size_t>(n.next)]);
  if (n.misses != before.misses)
    add("misses=" + std::to_string(n.misses));
  if (n.stale != before.stale)
    return text.empty() ? "stale" : "stale and " + text;
  return text.empty() ? "-" : text;
}

const char* const expected =
#include "child_table.inc"
  ;

} // namespace

CAF_TEST(every state and event has the row that is written down) {
  std::ostringstream actual;
  for (std::size_t s = 0; s < child_state_count; ++s) {
    for (std::size_t e = 0; e < event_kind_count; ++e) {
      auto state = static_cast<child_state>(s);
      auto kind = static_cast<event_kind>(e);
      auto c = in(state);
      if (kind >= event_kind::ready_timeout)
        c.armed[e - static_cast<std::size_t>(event_kind::ready_timeout)] = timer_epoch{99};
      auto what = event_of(kind, c);
      CAF_REQUIRE(kind_of(what) == kind);
      actual << to_string(state) << " + " << to_string(kind) << ": "
             << done(c, step(c, what, policy(), now)) << '\n';
    }
  }
  std::istringstream want{expected};
  std::istringstream have{actual.str()};
  std::string want_line, have_line;
  std::getline(want, want_line); // the raw string begins with a newline
  std::size_t rows = 0;
  while (std::getline(have, have_line)) {
    std::getline(want, want_line);
    CAF_CHECK_EQUAL(have_line, want_line);
    ++rows;
  }
  CAF_CHECK_EQUAL(rows, child_state_count * event_kind_count);
  if (std::getenv("HOLT_PRINT_TABLE"))
    std::fputs(actual.str().c_str(), stderr);
}

CAF_TEST(what an earlier start says is stale in every state) {
  for (std::size_t s = 0; s < child_state_count; ++s) {
    for (auto e = static_cast<std::size_t>(event_kind::spawned); e < event_kind_count; ++e) {
      auto c = in(static_cast<child_state>(s));
      auto what = event_of(static_cast<event_kind>(e), c);
      if (auto* said = std::get_if<port_said>(&what))
        said->gen = generation{77};
      auto r = step(c, what, policy(), now);
      CAF_CHECK_EQUAL(r.next.stale, c.stale + 1);
      CAF_CHECK(r.effects.empty());
      CAF_CHECK(r.next.state == c.state);
    }
  }
}
