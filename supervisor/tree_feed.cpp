// SPDX-License-Identifier: Apache-2.0

// One event through one child's machine, its effects, and groups that restart or give up.

#include "supervisor/tree_node.hpp"

namespace holt::supervision {

namespace {

constexpr std::size_t deaths_kept = 5;
constexpr std::size_t deaths_counted = 100;

} // namespace

void tree::feed(node& n, const machine_event& what, const moment& when) {
  const auto stale = n.machine.stale;
  auto [next, effects] = step(std::move(n.machine), what, n.spec, when);
  n.machine = std::move(next);
  stale_ += n.machine.stale - stale;
  touch(n);
  if (n.machine.completed && !n.machine.wanted)
    n.wanted = false;
  for (auto& one : effects)
    obey(n, one, when);
}

void tree::obey(node& n, effect& what, const moment& when) {
  const auto& m = n.machine;
  if (std::holds_alternative<start_port>(what)) {
    effects_.emplace_back(call_start{slot{n.seq}, m.gen, n.spec.port});
  } else if (std::holds_alternative<stop_port>(what)) {
    effects_.emplace_back(call_stop{m.gen, n.spec.port});
  } else if (std::holds_alternative<kill_port>(what)) {
    effects_.emplace_back(call_kill{m.gen, n.spec.port});
  } else if (std::holds_alternative<probe_port>(what)) {
    effects_.emplace_back(call_probe{m.gen, n.spec.port});
  } else if (auto* arm = std::get_if<arm_timer>(&what)) {
    timers_.arm(n.seq, arm->which, arm->epoch, when.now + arm->after);
  } else if (auto* off = std::get_if<cancel_timer>(&what)) {
    timers_.cancel(n.seq, off->which);
  } else if (auto* moved = std::get_if<state_changed>(&what)) {
    if (moved->to == child_state::backoff)
      for (auto* g = n.parent; g; g = g->parent)
        if (g->spec.one_for_all && g->phase == group_phase::open && g->culprit == 0) {
          g->culprit = n.seq;
          touch(*g);
        }
    if (moved->from == child_state::backoff)
      for (auto* g = n.parent; g; g = g->parent)
        if (g->culprit == n.seq)
          touch(*g); // all have waited for this one
    supervision_event event;
    event.id = n.spec.id;
    event.from = moved->from;
    event.to = moved->to;
    event.gen = m.gen;
    event.pid = m.pid;
    event.reason = leaf_reason(n, moved->to, moved->reason, when);
    event.death = std::exchange(n.last_death, std::nullopt);
    effects_.emplace_back(std::move(event));
  } else if (auto* died = std::get_if<death_recorded>(&what)) {
    const auto& death = died->death;
    n.tally.push_back({death.at, death.cause, death.code, death.expected});
    if (n.tally.size() > deaths_counted)
      n.tally.pop_front();
    n.last_death = death;
    n.deaths.push_back(std::move(died->death));
    if (n.deaths.size() > deaths_kept)
      n.deaths.pop_front();
  } else if (auto* gave_up = std::get_if<escalated>(&what)) {
    escalate(n, gave_up->reason, when);
  } else if (std::holds_alternative<left>(what)) {
    n.wanted = false;
    leaving_.push_back(n.seq);
  }
}

/// `n` gave up: the group above dies of it, or the root does.
void tree::escalate(node& n, const std::string& reason, const moment& when) {
  auto text = n.spec.id + " " + reason;
  if (n.parent != root_)
    return group_dies(*n.parent, text, when);
  if (escalated_ || stopping_)
    return;
  escalated_ = true;
  effects_.emplace_back(root_escalated{std::move(text)});
}

void tree::group_dies(node& g, const std::string& reason, const moment& when) {
  if (g.phase != group_phase::open || !g.desired)
    return; // it is going down already
  ++g.restarts;
  g.reason = reason;
  g.culprit = 0;
  touch(g);
  auto delay = g.ledger.enter_death(when.now, g.spec.budget, g.spec.backoff, when.random);
  if (delay) {
    g.phase = group_phase::closing;
    g.then = group_phase::backoff;
    g.delay = *delay;
    return;
  }
  switch (g.spec.on_exhausted) {
  case exhausted_policy::cooldown:
    g.phase = group_phase::closing;
    g.then = group_phase::cooldown;
    g.delay = g.spec.cooldown_period;
    break;
  case exhausted_policy::degrade: g.phase = group_phase::failed; break;
  case exhausted_policy::escalate:
    g.phase = group_phase::failed;
    escalate(g, "gave up: " + reason, when);
    break;
  }
}

/// The group may run again. `fresh`: those below that gave up or wait for a back-off start anew.
void tree::reopen(node& g, const moment& when, bool fresh) {
  timers_.cancel(g.seq, timer::backoff);
  timers_.cancel(g.seq, timer::cooldown);
  g.due.reset();
  g.phase = g.then = group_phase::open;
  g.culprit = 0;
  touch(g);
  if (!fresh)
    return;
  for (auto& [seq, child] : g.children) {
    if (child->group()) {
      child->ledger.reset();
      reopen(*child, when, true);
      continue;
    }
    auto& m = child->machine;
    m.ledger.reset();
    if (m.wanted
        && (m.state == child_state::failed || m.state == child_state::backoff
            || m.state == child_state::cooldown))
      feed(*child, start_asked{}, when);
  }
}

void tree::ring_group(node& g, timer which, const moment& when) {
  if (which == timer::stable)
    g.ledger.prove_healthy();
  else
    reopen(g, when, true);
}

} // namespace holt::supervision
