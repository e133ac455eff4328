// SPDX-License-Identifier: Apache-2.0
#include "actors/control_standing.hpp"

namespace holt::control {

namespace {

bool holds(const standing& now, const caller& who) {
  return now.taken && !now.holder.empty() && now.holder == who.key;
}

std::string somebody(const std::string& name) {
  return name.empty() ? "a person" : name;
}

bool stale(const standing& now, const caller& who) {
  return !who.person && who.epoch && (*who.epoch < now.agent_epoch || *who.epoch > now.epoch);
}

/// What holds an agent off now, or did between its epoch and this one.
refusal reason(const standing& now) {
  return now.taken ? refusal::held : now.paused ? refusal::paused : refusal::changed;
}

result<void> explain(refusal why, const standing& now, const caller& who) {
  switch (why) {
  case refusal::none: return {};
  case refusal::held:
    return error{errc::control_held,
                 somebody(now.taken_by) + " has taken control; wait until it is released"};
  case refusal::paused:
    return error{errc::control_held,
                 somebody(now.paused_by) + " has paused the agent; wait until it is resumed"};
  case refusal::changed: break;
  }
  std::string text
    = "control changed hands since epoch " + std::to_string(who.epoch.value_or(now.epoch));
  if (!now.driver.empty())
    text += " (" + now.driver + " drives)";
  return error{errc::control_held,
               text + "; look again, the epoch is " + std::to_string(now.epoch)};
}

} // namespace

refusal refuses_act(const standing& now, const caller& who) {
  if (holds(now, who))
    return refusal::none;
  bool off = now.taken || (now.paused && !who.person) || stale(now, who);
  return off ? reason(now) : refusal::none;
}

refusal refuses_look(const standing& now, const caller& who) {
  return holds(now, who) || !stale(now, who) ? refusal::none : reason(now);
}

std::string_view word(refusal why) {
  switch (why) {
  case refusal::held: return "control_held";
  case refusal::paused: return "control_paused";
  case refusal::changed: return "control_changed";
  case refusal::none: break;
  }
  return "";
}

result<void> may_act(const standing& now, const caller& who) {
  return explain(refuses_act(now, who), now, who);
}

result<void> may_look(const standing& now, const caller& who) {
  return explain(refuses_look(now, who), now, who);
}

} // namespace holt::control
