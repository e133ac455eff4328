// SPDX-License-Identifier: Apache-2.0
#pragma once

// The whole supervision tree as a pure state: who depends on whom, who may run, groups, requests,
// orderly stop. Owned by supervisor_actor (one thread at a time). Feeds the machines of single
// children and hands out what is to be done; never calls a port, never reads a clock.

#include "supervisor/child_machine.hpp"
#include "supervisor/timer_queue.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

namespace holt::supervision {

/// Names one child for as long as it is in the tree; never used again, unlike its id.
enum class slot : std::uint64_t {};

struct call_start {
  slot where{};
  generation gen{};
  child_port_ptr port;
};
struct call_stop {
  generation gen{};
  child_port_ptr port;
};
struct call_kill {
  generation gen{};
  child_port_ptr port;
};
struct call_probe {
  generation gen{};
  child_port_ptr port;
};

/// The root gave up; the owner stops everything (exit code 70). At most once.
struct root_escalated {
  std::string reason;
};
/// Every autostarted child is ready for the first time. At most once.
struct all_ready {};
/// After stop_all(): no child is left.
struct all_down {};

using tree_effect = std::variant<call_start, call_stop, call_kill, call_probe, supervision_event,
                                 root_escalated, all_ready, all_down>;

struct tree_node;

class tree {
public:
  explicit tree(child_id root_id = "holt");
  ~tree();
  tree(const tree&) = delete;
  tree& operator=(const tree&) = delete;

  // -- requests; each may leave effects

  /// The static specs, checked by validate(); once, before boot().
  result<void> load(std::vector<child_spec> specs);

  /// Starts every autostarted child.
  void boot(const moment& when);

  /// Adds a child or an empty group and starts it if it is autostarted.
  /// Errors: conflict, not_found (parent, dependency), invalid_request, shutting_down.
  result<void> add(child_spec spec, const moment& when);

  /// Stops it, then takes it out. Errors: not_found; conflict when others hang on it.
  result<void> remove(const child_id& id, const moment& when);

  /// Child or group; what runs already stays as it is. Gives a failed one a new budget.
  /// Errors: not_found; conflict when a group above is stopped; shutting_down.
  result<void> start(const child_id& id, const moment& when);

  /// Child or group, held until start(). Those that depend on it stop first and come back with
  /// it. Errors: not_found; conflict for the root.
  result<void> stop(const child_id& id, const moment& when);

  /// Those that depend on it stop first and come back after it. Errors: as start(); conflict for
  /// a temporary child.
  result<void> restart(const child_id& id, const moment& when);

  /// Everything, in reverse dependency order; then all_down. For good.
  void stop_all(const moment& when);

  /// Graces become 0 and order no longer matters.
  void hurry(const moment& when);

  // -- what happened

  /// A port spoke. Unknown slots and stale generations are counted and dropped.
  void heard(slot where, generation gen, child_event what, const moment& when);

  /// Rings every timer that is due.
  void advance(const moment& when);

  // -- what is to be done

  std::vector<tree_effect> take_effects();
  std::optional<time_point> next_deadline() const { return timers_.next(); }

  // -- questions

  /// Root first, parents before children, in the order they were added.
  std::vector<child_snapshot> snapshot(const moment& when) const;

  /// Autostarted children are all ready; optional ones that gave up do not count.
  bool ready() const;

  /// Wanted, not temporary, and not serving: sorted by place in the tree.
  std::vector<child_id> degraded() const;

  bool contains(const child_id& id) const { return by_id_.contains(id); }
  std::size_t size() const noexcept { return by_slot_.size(); }
  bool stopping() const noexcept { return stopping_; }
  bool down() const noexcept { return down_told_; } ///< stopped, and no child is left
  std::uint64_t stale() const noexcept { return stale_; }
  std::size_t armed_timers() const noexcept { return timers_.size(); }

  /// The state of one leaf's machine, for tests of invariants.
  const child* machine(const child_id& id) const;
  /// Is it, and everything it stands on, ready and meant to stay?
  bool up(const child_id& id) const;

private:
  using node = tree_node;

  node* find(const child_id& id) const;
  node* make(child_spec spec);
  result<void> link(node& n);
  void erase(node& n);
  bool reaches_above(const node& from, const node& below) const;

  void run(const moment& when);

  // tree_settle.cpp: who may run, and telling the machines
  void settle(const moment& when);
  void touch(node& n);
  void touch_below(node& n);
  void refresh(node& n, const moment& when);
  void drive(node& n, const moment& when);
  void drive_group(node& n, const moment& when);
  void show_group(node& n);
  bool blocked(const node& n) const;
  bool to_blame(const node& n) const;

  // tree_feed.cpp: one event through one machine; groups that give up
  void feed(node& n, const machine_event& what, const moment& when);
  void obey(node& n, effect& what, const moment& when);
  void group_dies(node& g, const std::string& reason, const moment& when);
  void escalate(node& n, const std::string& reason, const moment& when);
  void reopen(node& g, const moment& when, bool fresh);
  void ring_group(node& g, timer which, const moment& when);

  // tree_view.cpp
  child_snapshot view(const node& n, const moment& when) const;
  std::string waits_for(const node& n) const;
  std::string why_stopped(const node& n) const;
  std::string why_lost(const node& n) const;
  std::string leaf_reason(const node& n, child_state state, const std::string& reason,
                          const moment& when) const;
  std::string group_reason(const node& n) const;
  bool settled(const node& n) const;
  bool hopeless(const node& n) const;

  std::unordered_map<std::uint64_t, std::unique_ptr<node>> by_slot_;
  std::unordered_map<child_id, node*> by_id_;
  std::map<std::uint64_t, node*> lasting_; ///< the leaves that are not temporary
  node* root_ = nullptr;
  std::uint64_t slots_ = 0;
  std::set<std::uint64_t> dirty_;
  std::vector<std::uint64_t> leaving_;
  timer_queue timers_;
  std::vector<tree_effect> effects_;
  std::uint64_t stale_ = 0;
  bool booted_ = false;
  bool stopping_ = false;
  bool quick_ = false;
  bool announced_ = false;
  bool escalated_ = false;
  bool down_told_ = false;
};

} // namespace holt::supervision
