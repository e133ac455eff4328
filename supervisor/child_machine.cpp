// SPDX-License-Identifier: Apache-2.0
#include "supervisor/child_machine.hpp"

#include "supervisor/child_actions.hpp"

#include <array>

namespace holt::supervision {

namespace {

using r = run;
using row = std::array<void (run::*)(), child_state_count>;

// clang-format off
/// One row an event, one column a state, in the order of child_state.
constexpr std::array<row, event_kind_count> table{{
//                    idle         waiting      starting           ready           unhealthy       stopping           killing            backoff           cooldown         stopped       failed
/* start          */ {&r::begin,   &r::same,    &r::same,          &r::same,       &r::same,       &r::again,         &r::again,         &r::begin,        &r::begin,       &r::begin,    &r::begin},
/* stop           */ {&r::unwant,  &r::rest,    &r::halt,          &r::halt,       &r::halt_hung,  &r::settle,        &r::settle,        &r::rest,         &r::rest,        &r::same,     &r::rest},
/* restart        */ {&r::begin,   &r::same,    &r::redo,          &r::redo,       &r::redo_hung,  &r::redo_next,     &r::redo_next,     &r::begin,        &r::begin,       &r::begin,    &r::begin},
/* hurry          */ {&r::hasten,  &r::hasten,  &r::hasten,        &r::hasten,     &r::hasten_kill,&r::hasten_kill,   &r::hasten_grace,  &r::hasten,       &r::hasten,      &r::hasten,   &r::hasten},
/* dep_ready      */ {&r::open,    &r::open_go, &r::open,          &r::open,       &r::open,       &r::open,          &r::open,          &r::open,         &r::open,        &r::open,     &r::open},
/* dep_lost       */ {&r::close,   &r::close,   &r::close_halt,    &r::close_halt, &r::close_hung, &r::close,         &r::close_dying,   &r::close_backoff,&r::close,       &r::close,    &r::close},
/* spawned        */ {&r::stale,   &r::stale,   &r::live,          &r::live,       &r::stale,      &r::live_stop,     &r::live_kill,     &r::stale,        &r::stale,       &r::stale,    &r::stale},
/* spawn_failed   */ {&r::stale,   &r::stale,   &r::no_spawn,      &r::stale,      &r::stale,      &r::no_spawn_asked,&r::no_spawn_asked,&r::stale,        &r::stale,       &r::stale,    &r::stale},
/* became_ready   */ {&r::stale,   &r::stale,   &r::prove,         &r::stale,      &r::stale,      &r::stale,         &r::stale,         &r::stale,        &r::stale,       &r::stale,    &r::stale},
/* start_progress */ {&r::stale,   &r::stale,   &r::extend,        &r::stale,      &r::stale,      &r::stale,         &r::stale,         &r::stale,        &r::stale,       &r::stale,    &r::stale},
/* probe_ok       */ {&r::stale,   &r::stale,   &r::stale,         &r::answer,     &r::stale,      &r::stale,         &r::stale,         &r::stale,        &r::stale,       &r::stale,    &r::stale},
/* probe_missed   */ {&r::stale,   &r::stale,   &r::stale,         &r::miss,       &r::stale,      &r::stale,         &r::stale,         &r::stale,        &r::stale,       &r::stale,    &r::stale},
/* exited         */ {&r::stale,   &r::stale,   &r::die,           &r::die,        &r::die,        &r::end_asked,     &r::end_killed,    &r::stale,        &r::stale,       &r::stale,    &r::stale},
/* kill_verified  */ {&r::stale,   &r::stale,   &r::stale,         &r::stale,      &r::stale,      &r::stale,         &r::verify,        &r::stale,        &r::stale,       &r::stale,    &r::stale},
/* ready_timeout  */ {&r::stale,   &r::stale,   &r::overdue,       &r::stale,      &r::stale,      &r::stale,         &r::stale,         &r::stale,        &r::stale,       &r::stale,    &r::stale},
/* grace          */ {&r::stale,   &r::stale,   &r::stale,         &r::stale,      &r::kill_now,   &r::kill_now,      &r::stale,         &r::stale,        &r::stale,       &r::stale,    &r::stale},
/* kill_grace     */ {&r::stale,   &r::stale,   &r::stale,         &r::stale,      &r::stale,      &r::stale,         &r::abandon,       &r::stale,        &r::stale,       &r::stale,    &r::stale},
/* backoff        */ {&r::stale,   &r::stale,   &r::stale,         &r::stale,      &r::stale,      &r::stale,         &r::stale,         &r::retry_now,    &r::stale,       &r::stale,    &r::stale},
/* stable         */ {&r::stale,   &r::stale,   &r::stale,         &r::steady,     &r::stale,      &r::stale,         &r::stale,         &r::stale,        &r::stale,       &r::stale,    &r::stale},
/* cooldown       */ {&r::stale,   &r::stale,   &r::stale,         &r::stale,      &r::stale,      &r::stale,         &r::stale,         &r::stale,        &r::retry_now,   &r::stale,    &r::stale},
/* live_period    */ {&r::stale,   &r::stale,   &r::stale,         &r::ask,        &r::stale,      &r::stale,         &r::stale,         &r::stale,        &r::stale,       &r::stale,    &r::stale},
/* live_timeout   */ {&r::stale,   &r::stale,   &r::stale,         &r::silent,     &r::stale,      &r::stale,         &r::stale,         &r::stale,        &r::stale,       &r::stale,    &r::stale},
}};
// clang-format on

constexpr std::array<std::string_view, event_kind_count> names{
  "start",   "stop",          "restart",       "hurry",          "dep_ready",  "dep_lost",
  "spawned", "spawn_failed",  "became_ready",  "start_progress", "probe_ok",   "probe_missed",
  "exited",  "kill_verified", "ready_timeout", "grace",          "kill_grace", "backoff",
  "stable",  "cooldown",      "live_period",   "live_timeout"};

/// Is this about the present run, and an armed timer? A timer that rang is no longer armed.
bool current(child& c, const machine_event& what) {
  if (const auto* said = std::get_if<port_said>(&what))
    return said->gen == c.gen;
  if (const auto* rang = std::get_if<timer_rang>(&what)) {
    auto& epoch = c.armed[static_cast<std::size_t>(rang->which)];
    if (rang->epoch == timer_epoch{} || rang->epoch != epoch)
      return false;
    epoch = {};
  }
  return true;
}

std::string meaning(int code) {
  switch (code) {
  case 78: return "configuration error";
  case 125: return "permanent failure";
  case 126: return "program cannot be executed";
  case 127: return "program not found";
  default: return {};
  }
}

} // namespace

event_kind kind_of(const machine_event& what) noexcept {
  constexpr auto said = static_cast<std::size_t>(event_kind::spawned);
  constexpr auto rang = static_cast<std::size_t>(event_kind::ready_timeout);
  static_assert(std::variant_size_v<child_event> == rang - said);
  static_assert(timer_count == event_kind_count - rang);
  if (const auto* x = std::get_if<port_said>(&what))
    return static_cast<event_kind>(said + x->what.index());
  if (const auto* x = std::get_if<timer_rang>(&what))
    return static_cast<event_kind>(rang + static_cast<std::size_t>(x->which));
  return static_cast<event_kind>(what.index());
}

std::string_view to_string(event_kind kind) noexcept {
  return names[static_cast<std::size_t>(kind)];
}

step_result step(child now, const machine_event& what, const child_spec& policy,
                 const moment& when) {
  step_result result{std::move(now), {}};
  if (!current(result.next, what)) {
    ++result.next.stale;
    return result;
  }
  const auto& cells = table[static_cast<std::size_t>(kind_of(what))];
  auto cell = cells[static_cast<std::size_t>(result.next.state)];
  auto one = run{result.next, policy, when, what, result.effects};
  (one.*cell)();
  return result;
}

std::string sentence(const death_record& death) {
  std::string text;
  switch (death.cause) {
  case death_cause::exit:
    text = "exit code " + std::to_string(death.code);
    if (death.detail.empty() && !meaning(death.code).empty())
      text += ": " + meaning(death.code);
    break;
  case death_cause::signal: text = "killed by signal " + std::to_string(death.code); break;
  case death_cause::timeout: text = "was not ready in time"; break;
  case death_cause::probe: text = "missed its live probes"; break;
  case death_cause::spawn_error: text = "could not be started"; break;
  case death_cause::actor: text = "actor ended"; break;
  }
  if (!death.detail.empty())
    text += ": " + death.detail;
  return text;
}

} // namespace holt::supervision
