// SPDX-License-Identifier: Apache-2.0

// What the tree says about itself: snapshots, reasons, who is degraded.

#include "supervisor/tree_node.hpp"

#include <algorithm>
#include <cstdio>

namespace holt::supervision {

namespace {

using std::chrono::duration_cast;

milliseconds left_until(time_point due, const moment& when) {
  return std::max(milliseconds{0}, duration_cast<milliseconds>(due - when.now));
}

std::string seconds(milliseconds d) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(d.count()) / 1'000.0);
  return text;
}

} // namespace

std::string tree::why_stopped(const node& n) const {
  if (stopping_)
    return "the daemon stops";
  if (n.leaving)
    return "removed on request";
  for (auto* g = n.parent; n.wanted && g; g = g->parent)
    if (!g->wanted || g->phase == group_phase::failed)
      return "stopped with " + g->spec.id;
  return "stopped on request";
}

std::string tree::why_lost(const node& n) const {
  for (auto* at = &n; at; at = at->parent) {
    if (at->group() && at->phase != group_phase::open)
      return at->spec.id + " restarts as a whole";
    if (at->group() && at->culprit != 0) {
      auto i = by_slot_.find(at->culprit);
      return at->spec.id + " restarts as a whole"
             + (i == by_slot_.end() ? "" : ": " + i->second->spec.id + " died");
    }
    for (const auto* dep : at->deps)
      if (!dep->up)
        return dep->spec.id + " is gone";
  }
  return "its dependency is gone";
}

std::string tree::waits_for(const node& n) const {
  for (auto* at = &n; at; at = at->parent) {
    if (at->group() && (at->phase != group_phase::open || at->culprit != 0))
      return "waits for " + at->spec.id + " to restart";
    for (const auto* dep : at->deps) {
      if (dep->up)
        continue;
      auto text = "waits for " + dep->spec.id;
      if (!dep->desired)
        return text + ", which is stopped";
      switch (dep->state()) {
      case child_state::failed: return text + ", which has failed";
      case child_state::backoff:
      case child_state::cooldown: return text + ", which died";
      default: return text;
      }
    }
  }
  return blocked(n) ? "waits for what depends on it to stop" : "waits for a dependency";
}

std::string tree::leaf_reason(const node& n, child_state state, const std::string& reason,
                              const moment& when) const {
  const auto& m = n.machine;
  switch (state) {
  case child_state::idle: return "not started";
  case child_state::waiting: return waits_for(n);
  case child_state::ready: return {};
  case child_state::backoff:
    return "restarts in " + seconds(left_until(m.due.value_or(when.now), when)) + ": " + reason;
  case child_state::cooldown:
    return "tries again in " + seconds(left_until(m.due.value_or(when.now), when)) + ": " + reason;
  case child_state::starting:
  case child_state::unhealthy:
  case child_state::stopping:
  case child_state::killing:
  case child_state::stopped:
  case child_state::failed: break;
  }
  return reason;
}

std::string tree::group_reason(const node& n) const {
  switch (n.shown) {
  case child_state::idle: return "not started";
  case child_state::ready: return {};
  case child_state::stopped: return n.wanted ? why_stopped(n) : "stopped on request";
  case child_state::stopping: return n.desired ? why_lost(n) : why_stopped(n);
  case child_state::waiting: return waits_for(n);
  case child_state::backoff:
  case child_state::cooldown: return n.culprit != 0 ? why_lost(n) : "restarts: " + n.reason;
  case child_state::starting:
  case child_state::failed:
  case child_state::unhealthy:
  case child_state::killing: break;
  }
  if (n.phase == group_phase::failed)
    return "gave up: " + n.reason;
  const node* first = nullptr;
  for (const auto& [seq, child] : n.children)
    if (child->unsatisfied && (!first || (child->failed && !first->failed)))
      first = child;
  if (!first)
    return "starts";
  if (first->failed)
    return first->spec.id
           + " has failed: " + (first->group() ? group_reason(*first) : first->machine.reason);
  return "waits for " + first->spec.id;
}

child_snapshot tree::view(const node& n, const moment& when) const {
  child_snapshot s;
  s.id = n.spec.id;
  s.parent = n.parent ? n.parent->spec.id : child_id{};
  s.kind = n.spec.kind;
  s.state = n.state();
  s.restart = n.spec.restart;
  s.depends_on = n.spec.depends_on;
  s.optional = n.spec.optional;
  s.budget_limit = n.spec.budget.deaths;
  const auto& ledger = n.group() ? n.ledger : n.machine.ledger;
  s.budget_used = ledger.used(when.now, n.spec.budget.window);
  if (auto due = n.group() ? n.due : n.machine.due)
    s.next_start = left_until(*due, when);
  if (n.group()) {
    s.restarts = n.restarts;
    s.reason = group_reason(n);
    return s;
  }
  const auto& m = n.machine;
  s.gen = m.gen;
  s.pid = m.pid;
  s.restarts = m.restarts;
  if (m.alive() && !m.exit_seen)
    s.uptime = duration_cast<milliseconds>(when.now - m.started_at);
  s.reason = leaf_reason(n, m.state, m.reason, when);
  s.deaths.assign(n.deaths.begin(), n.deaths.end());
  s.tally.deaths = n.tally.size();
  if (!n.tally.empty())
    s.tally.since = n.tally.front().at;
  for (const auto& one : n.tally) {
    s.tally.unexpected += one.expected ? 0 : 1;
    ++s.tally.by_cause[short_cause(one.cause, one.code)];
  }
  return s;
}

std::vector<child_snapshot> tree::snapshot(const moment& when) const {
  std::vector<child_snapshot> all;
  all.reserve(by_slot_.size());
  std::vector<const node*> todo{root_};
  while (!todo.empty()) {
    const auto* n = todo.back();
    todo.pop_back();
    all.push_back(view(*n, when));
    for (auto i = n->children.rbegin(); i != n->children.rend(); ++i)
      todo.push_back(i->second);
  }
  return all;
}

/// Will it not become ready by itself soon?
bool tree::hopeless(const node& n) const {
  if (n.up)
    return false;
  if (!n.desired)
    return true;
  if (n.group()) {
    if (n.phase != group_phase::open)
      return true;
    for (const auto& [seq, child] : n.children)
      if (child->unsatisfied && hopeless(*child))
        return true;
  } else if (n.machine.crashed || n.machine.state == child_state::failed) {
    return true;
  }
  for (auto* at = &n; at; at = at->parent)
    for (const auto* dep : at->deps)
      if (hopeless(*dep))
        return true;
  return false;
}

/// Need nobody wait for it any more at start-up?
bool tree::settled(const node& n) const {
  if (n.group() || n.temporary() || !n.desired || n.machine.completed || n.up)
    return true;
  auto optional = false;
  for (auto* at = &n; at; at = at->parent)
    optional = optional || at->spec.optional;
  return optional && hopeless(n);
}

bool tree::ready() const {
  if (!booted_)
    return false;
  return std::all_of(lasting_.begin(), lasting_.end(),
                     [this](const auto& entry) { return settled(*entry.second); });
}

std::vector<child_id> tree::degraded() const {
  std::vector<child_id> ids;
  std::vector<const node*> todo{root_};
  while (!todo.empty()) {
    const auto* n = todo.back();
    todo.pop_back();
    if (!n->group() && !n->temporary() && n->desired && !n->up && !n->machine.completed
        && (announced_ || hopeless(*n)))
      ids.push_back(n->spec.id);
    if (n->group() && n->desired && n->phase == group_phase::failed)
      ids.push_back(n->spec.id);
    for (auto i = n->children.rbegin(); i != n->children.rend(); ++i)
      todo.push_back(i->second);
  }
  return ids;
}

} // namespace holt::supervision
