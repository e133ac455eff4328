// SPDX-License-Identifier: Apache-2.0

// Who may run. Two phases until nothing changes: derive (refresh) until the whole tree is
// consistent, then tell one machine what follows (drive).

#include "supervisor/tree_node.hpp"

namespace holt::supervision {

void tree::touch(node& n) {
  dirty_.insert(n.seq);
}

void tree::touch_below(node& n) {
  touch(n);
  for (auto& [seq, child] : n.children)
    touch_below(*child);
}

void tree::settle(const moment& when) {
  std::set<std::uint64_t> to_drive;
  for (;;) {
    if (!dirty_.empty()) {
      auto seq = *dirty_.begin();
      dirty_.erase(dirty_.begin());
      if (auto i = by_slot_.find(seq); i != by_slot_.end()) {
        refresh(*i->second, when);
        to_drive.insert(seq);
      }
      continue;
    }
    if (!to_drive.empty()) {
      auto seq = *to_drive.begin();
      to_drive.erase(to_drive.begin());
      auto i = by_slot_.find(seq);
      if (i == by_slot_.end())
        continue;
      if (i->second->group())
        drive_group(*i->second, when);
      else
        drive(*i->second, when);
      continue;
    }
    if (leaving_.empty())
      return;
    for (auto seq : std::exchange(leaving_, {}))
      if (auto i = by_slot_.find(seq); i != by_slot_.end())
        erase(*i->second);
  }
}

/// Derives what the neighbours see of `n` and touches those for whom it changed.
void tree::refresh(node& n, const moment& when) {
  auto* p = n.parent;
  n.desired = n.wanted && !n.leaving && (p ? p->desires_below : booted_ && !stopping_);
  n.open = !p || p->open_below;
  for (const auto* dep : n.deps)
    n.open = n.open && dep->up;

  bool up, alive, may_stay, failed;
  if (n.group()) {
    const auto desires = n.desired && n.phase != group_phase::failed;
    const auto opens = n.open && n.phase == group_phase::open && n.culprit == 0;
    if (desires != n.desires_below || opens != n.open_below) {
      n.desires_below = desires;
      n.open_below = opens;
      for (auto& [seq, child] : n.children)
        touch(*child);
    }
    may_stay = desires && opens;
    up = may_stay && n.unsatisfied_below == 0;
    alive = n.alive_below > 0;
    failed = n.phase == group_phase::failed || n.failed_below > 0;
  } else {
    may_stay = n.desired && n.open && !n.restarting;
    up = may_stay && n.machine.state == child_state::ready;
    alive = n.machine.alive();
    failed = n.machine.state == child_state::failed;
  }
  const auto excused = n.spec.optional || (!n.group() && n.temporary()) || n.machine.completed
                       || (!n.spec.autostart && !n.wanted);
  const auto unsatisfied = !excused && !up;
  failed = failed && unsatisfied;
  const auto dragging = alive && !may_stay;

  if (up != n.up) {
    n.up = up;
    for (auto& [seq, other] : n.dependents)
      touch(*other);
    if (n.group()) {
      timers_.cancel(n.seq, timer::stable);
      if (up && n.restarts > 0)
        timers_.arm(n.seq, timer::stable, timer_epoch{++n.epochs},
                    when.now + n.spec.backoff.reset_after);
    }
  }
  if (p && (alive != n.alive || unsatisfied != n.unsatisfied || failed != n.failed)) {
    p->alive_below += (alive ? 1u : 0u) - (n.alive ? 1u : 0u);
    p->unsatisfied_below += (unsatisfied ? 1u : 0u) - (n.unsatisfied ? 1u : 0u);
    p->failed_below += (failed ? 1u : 0u) - (n.failed ? 1u : 0u);
    touch(*p);
  }
  n.alive = alive;
  n.unsatisfied = unsatisfied;
  n.failed = failed;
  if (dragging != n.dragging) {
    n.dragging = dragging;
    for (auto* dep : n.deps) {
      const auto before = dep->drags;
      dep->drags += dragging ? 1u : -1u;
      if ((before == 0) != (dep->drags == 0))
        touch_below(*dep);
    }
  }
}

/// Does something that depends on it still have to go first?
bool tree::blocked(const node& n) const {
  if (quick_)
    return false;
  for (auto* at = &n; at; at = at->parent)
    if (at->drags > 0)
      return true;
  return false;
}

/// Is it going or waiting because something that it depends on died?
bool tree::to_blame(const node& n) const {
  for (auto* at = &n; at; at = at->parent) {
    if (at->group() && at->culprit != 0)
      return at->culprit != n.seq;
    if (at->group() && at->phase != group_phase::open && at->then != group_phase::open)
      return true;
    for (const auto* dep : at->deps) {
      if (dep->up)
        continue;
      if (!dep->group()) {
        if (dep->machine.crashed || to_blame(*dep))
          return true;
        continue;
      }
      if (to_blame(*dep))
        return true;
      for (const auto& [seq, child] : dep->children)
        if (child->unsatisfied
            && (child->group() ? child->phase != group_phase::open
                               : child->machine.crashed || to_blame(*child)))
          return true;
    }
  }
  return false;
}

/// Tells the machine of a leaf what follows from its place.
void tree::drive(node& n, const moment& when) {
  auto& m = n.machine;
  const auto wait = blocked(n);
  if (!n.desired) {
    n.restarting = false;
    if (m.wanted && !(m.alive() && wait))
      return feed(n, stop_asked{why_stopped(n)}, when);
    if (n.leaving && !m.alive())
      leaving_.push_back(n.seq);
  } else if (!m.wanted) {
    n.restarting = false;
    return feed(n, start_asked{}, when);
  } else if (n.restarting && !(m.alive() && wait)) {
    n.restarting = false;
    return feed(n, restart_asked{}, when);
  }
  if (m.may_run && !n.open && !(m.alive() && wait))
    return feed(n, dep_lost{to_blame(n), why_lost(n)}, when);
  if (m.may_run && wait && !m.alive())
    return feed(n, dep_lost{false, "waits for what depends on it to stop"}, when);
  if (!m.may_run && n.open && !wait)
    return feed(n, dep_ready{}, when);
}

/// Moves a group on when its children are down, and shows its state.
void tree::drive_group(node& n, const moment& when) {
  if (n.leaving && n.children.empty())
    leaving_.push_back(n.seq);
  if (n.culprit != 0 && n.alive_below == 0) {
    auto i = by_slot_.find(n.culprit);
    if (i == by_slot_.end() || i->second->machine.state != child_state::backoff) {
      n.culprit = 0;
      touch(n);
    }
  }
  if (n.phase == group_phase::closing && n.alive_below == 0) {
    if (n.then == group_phase::open) {
      reopen(n, when, true);
    } else {
      n.phase = n.then;
      n.due = when.now + n.delay;
      timers_.arm(n.seq, n.phase == group_phase::backoff ? timer::backoff : timer::cooldown,
                  timer_epoch{++n.epochs}, *n.due);
    }
    touch(n);
  }
  show_group(n);
}

/// The state of a group, from its phase and its children; an event when it changed.
void tree::show_group(node& n) {
  auto state = child_state::starting;
  if (!n.desired)
    state = n.alive         ? child_state::stopping
            : n.ever_wanted ? child_state::stopped
                            : child_state::idle;
  else if (n.phase == group_phase::failed)
    state = n.alive ? child_state::stopping : child_state::failed;
  else if (n.phase == group_phase::closing || n.culprit != 0)
    state = n.alive ? child_state::stopping : child_state::backoff;
  else if (n.phase == group_phase::backoff)
    state = child_state::backoff;
  else if (n.phase == group_phase::cooldown)
    state = child_state::cooldown;
  else if (!n.open)
    state = n.alive ? child_state::stopping : child_state::waiting;
  else if (n.up)
    state = child_state::ready;
  else if (n.failed_below > 0)
    state = child_state::failed;
  if (n.parent && !booted_)
    state = child_state::idle;
  if (state == n.shown)
    return;
  supervision_event event;
  event.id = n.spec.id;
  event.from = std::exchange(n.shown, state);
  event.to = state;
  event.reason = group_reason(n);
  effects_.emplace_back(std::move(event));
}

} // namespace holt::supervision
