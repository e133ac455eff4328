// SPDX-License-Identifier: Apache-2.0
#include "supervisor/tree.hpp"

#include "supervisor/spec_check.hpp"
#include "supervisor/tree_node.hpp"

#include <unordered_set>

namespace holt::supervision {

namespace {

error no_such(const child_id& id) {
  return {errc::not_found, "there is no child \"" + id + "\" in the supervision tree"};
}

error conflict(const child_id& id, std::string_view why) {
  return {errc::conflict, "\"" + id + "\" " + std::string{why}};
}

error stops() {
  return {errc::shutting_down, "the daemon is stopping"};
}

} // namespace

tree::tree(child_id root_id) {
  child_spec spec;
  spec.id = std::move(root_id);
  spec.kind = child_kind::group;
  root_ = make(std::move(spec));
}

tree::~tree() = default;

// -- structure

tree::node* tree::find(const child_id& id) const {
  auto i = by_id_.find(id);
  return i == by_id_.end() ? nullptr : i->second;
}

tree::node* tree::make(child_spec spec) {
  auto n = std::make_unique<node>();
  n->seq = ++slots_;
  n->spec = std::move(spec);
  n->machine.quick = quick_;
  auto* raw = n.get();
  by_id_[raw->spec.id] = raw;
  by_slot_[raw->seq] = std::move(n);
  if (!raw->group() && !raw->temporary())
    lasting_[raw->seq] = raw;
  return raw;
}

result<void> tree::link(node& n) {
  n.parent = n.spec.parent.empty() ? root_ : find(n.spec.parent);
  n.parent->children[n.seq] = &n;
  for (const auto& id : n.spec.depends_on) {
    auto* dep = find(id);
    if (dep->dependents.emplace(n.seq, &n).second)
      n.deps.push_back(dep);
  }
  n.wanted = n.ever_wanted = n.spec.autostart;
  touch(n);
  return {};
}

void tree::erase(node& n) {
  timers_.cancel_all(n.seq);
  for (auto* dep : n.deps)
    dep->dependents.erase(n.seq);
  n.parent->children.erase(n.seq);
  n.parent->unsatisfied_below -= n.unsatisfied ? 1 : 0;
  n.parent->failed_below -= n.failed ? 1 : 0;
  touch(*n.parent);
  dirty_.erase(n.seq);
  lasting_.erase(n.seq);
  by_id_.erase(n.spec.id);
  by_slot_.erase(n.seq);
}

/// Does anything that `from` waits for wait for a group above `below`? A circle of waiting.
bool tree::reaches_above(const node& from, const node& below) const {
  std::unordered_set<const node*> above;
  for (auto* at = below.parent; at; at = at->parent)
    above.insert(at);
  std::vector<const node*> todo{&from};
  std::unordered_set<const node*> seen{&from};
  while (!todo.empty()) {
    auto* at = todo.back();
    todo.pop_back();
    if (above.contains(at))
      return true;
    auto visit = [&](const node* next) {
      if (seen.insert(next).second)
        todo.push_back(next);
    };
    for (auto* up = at; up; up = up->parent)
      for (auto* dep : up->deps)
        visit(dep);
    for (const auto& [seq, child] : at->children)
      visit(child);
  }
  return false;
}

result<void> tree::load(std::vector<child_spec> specs) {
  if (auto fine = validate(specs); !fine)
    return fine.error();
  for (const auto& spec : specs)
    if (find(spec.id))
      return error{errc::config, "child \"" + spec.id + "\": id is not unique"};
  std::vector<node*> made;
  for (auto& spec : specs)
    made.push_back(make(std::move(spec)));
  for (auto* n : made)
    if (auto linked = link(*n); !linked)
      return linked;
  return {};
}

result<void> tree::add(child_spec spec, const moment& when) {
  if (stopping_)
    return stops();
  if (auto fine = check_fields(spec); !fine)
    return fine;
  if (find(spec.id))
    return conflict(spec.id, "is in the supervision tree already");
  auto* parent = spec.parent.empty() ? root_ : find(spec.parent);
  if (!parent)
    return no_such(spec.parent);
  if (!parent->group())
    return conflict(spec.parent, "is not a group");
  if (parent->leaving)
    return conflict(spec.parent, "is being removed");
  const auto temporary = spec.restart == restart_policy::temporary;
  if (booted_ && temporary && !parent->desires_below)
    return conflict(spec.parent, "is stopped");
  node probe;
  probe.parent = parent;
  for (const auto& id : spec.depends_on) {
    auto* dep = find(id);
    if (!dep)
      return no_such(id);
    if (dep->leaving || (!dep->group() && dep->temporary()))
      return conflict(id, "does not last: nothing may depend on it");
    if (reaches_above(*dep, probe))
      return conflict(spec.id, "would wait for itself through \"" + id + "\"");
  }
  if (auto linked = link(*make(std::move(spec))); !linked)
    return linked;
  run(when);
  return {};
}

result<void> tree::remove(const child_id& id, const moment& when) {
  auto* n = find(id);
  if (!n)
    return no_such(id);
  if (n == root_)
    return conflict(id, "is the root");
  if (!n->children.empty())
    return conflict(id, "still has children");
  if (!n->dependents.empty())
    return conflict(id, "is needed by \"" + n->dependents.begin()->second->spec.id + "\"");
  n->leaving = true;
  n->wanted = false;
  touch(*n);
  run(when);
  return {};
}

// -- requests

void tree::boot(const moment& when) {
  booted_ = true;
  root_->wanted = root_->ever_wanted = true;
  touch(*root_);
  run(when);
}

result<void> tree::start(const child_id& id, const moment& when) {
  auto* n = find(id);
  if (!n)
    return no_such(id);
  if (stopping_)
    return stops();
  if (n == root_)
    return conflict(id, "is the daemon itself");
  if (n->leaving)
    return conflict(id, "is being removed");
  for (auto* g = n->parent; g; g = g->parent)
    if (!g->wanted || g->phase == group_phase::failed)
      return conflict(id, "belongs to \"" + g->spec.id + "\", which is stopped: start that first");
  n->wanted = n->ever_wanted = true;
  if (n->group()) {
    reopen(*n, when, true);
  } else if (n->machine.wanted) {
    feed(*n, start_asked{}, when);
  }
  touch(*n);
  run(when);
  return {};
}

result<void> tree::stop(const child_id& id, const moment& when) {
  auto* n = find(id);
  if (!n)
    return no_such(id);
  if (n == root_)
    return conflict(id, "is the daemon itself: end the daemon instead");
  n->wanted = n->restarting = false;
  if (n->group())
    reopen(*n, when, false);
  touch(*n);
  run(when);
  return {};
}

result<void> tree::restart(const child_id& id, const moment& when) {
  auto* n = find(id);
  if (n && !stopping_ && n != root_ && !n->group() && n->temporary())
    return conflict(id, "is temporary: it is never restarted");
  const auto running = n && n->wanted && n->desired && !n->leaving
                       && (!n->group() || n->phase != group_phase::failed);
  if (!running || stopping_ || n == root_)
    return start(id, when);
  if (n->group()) {
    timers_.cancel_all(n->seq);
    n->due.reset();
    n->culprit = 0;
    n->phase = group_phase::closing;
    n->then = group_phase::open;
  } else {
    n->restarting = true;
  }
  touch(*n);
  run(when);
  return {};
}

void tree::stop_all(const moment& when) {
  stopping_ = true;
  root_->wanted = false;
  touch(*root_);
  run(when);
}

void tree::hurry(const moment& when) {
  quick_ = true;
  stopping_ = true;
  root_->wanted = false;
  touch_below(*root_);
  settle(when); // all of them get their stop first, now without waiting for each other
  std::vector<std::uint64_t> all;
  for (const auto& [seq, n] : by_slot_)
    if (!n->group())
      all.push_back(seq);
  for (auto seq : all)
    if (auto i = by_slot_.find(seq); i != by_slot_.end())
      feed(*i->second, hurry_asked{}, when);
  run(when);
}

// -- what happened

void tree::heard(slot where, generation gen, child_event what, const moment& when) {
  auto i = by_slot_.find(static_cast<std::uint64_t>(where));
  if (i == by_slot_.end() || i->second->group()) {
    ++stale_;
    return;
  }
  feed(*i->second, port_said{gen, std::move(what)}, when);
  run(when);
}

void tree::advance(const moment& when) {
  run(when);
}

/// Everything that follows by itself, also from timers that are due at once.
void tree::run(const moment& when) {
  settle(when);
  while (auto rang = timers_.pop(when.now)) {
    auto i = by_slot_.find(rang->who);
    if (i == by_slot_.end())
      continue;
    if (i->second->group())
      ring_group(*i->second, rang->which, when);
    else
      feed(*i->second, timer_rang{rang->which, rang->epoch}, when);
    settle(when);
  }
  if (booted_ && !announced_ && !stopping_ && ready()) {
    announced_ = true;
    effects_.emplace_back(all_ready{});
  }
  if (stopping_ && !down_told_ && root_->alive_below == 0) {
    down_told_ = true;
    effects_.emplace_back(all_down{});
  }
}

std::vector<tree_effect> tree::take_effects() {
  return std::exchange(effects_, {});
}

const child* tree::machine(const child_id& id) const {
  auto* n = find(id);
  return n && !n->group() ? &n->machine : nullptr;
}

bool tree::up(const child_id& id) const {
  auto* n = find(id);
  return n && n->up;
}

} // namespace holt::supervision
