// SPDX-License-Identifier: Apache-2.0
#pragma once

// One node of the tree with what is derived from its neighbours. Internal to tree*.cpp; owned by
// the tree, plain data. Derived fields are written by tree::refresh() only.

#include "supervisor/tree.hpp"

namespace holt::supervision {

enum class group_phase : std::uint8_t {
  open,     ///< its children may run
  closing,  ///< its children are stopped; `due` says what follows
  backoff,  ///< opens when the timer rings
  cooldown, ///< the same, after the budget was used up
  failed,   ///< closed until it is asked to start
};

/// One end as the tally keeps it.
struct short_death {
  std::chrono::system_clock::time_point at;
  death_cause cause = death_cause::exit;
  int code = 0;
  bool expected = false;
};

struct tree_node {
  child_spec spec;
  std::uint64_t seq = 0;
  tree_node* parent = nullptr;
  std::vector<tree_node*> deps;
  std::map<std::uint64_t, tree_node*> dependents; ///< direct ones

  // -- what was asked
  bool wanted = false;      ///< start, and no stop since
  bool ever_wanted = false; ///< it was asked to start at least once
  bool restarting = false;  ///< leaf: restart was asked, waits until its dependents are down
  bool leaving = false;     ///< remove was asked

  // -- leaf
  child machine;
  std::deque<death_record> deaths;        ///< at most 5
  std::deque<short_death> tally;          ///< at most 100
  std::optional<death_record> last_death; ///< not yet told

  // -- group
  std::map<std::uint64_t, tree_node*> children;
  group_phase phase = group_phase::open;
  group_phase then = group_phase::open; ///< what follows closing
  milliseconds delay{0};
  restart_ledger ledger;
  std::uint64_t restarts = 0;
  std::uint64_t culprit = 0; ///< one_for_all: all wait for this one; 0: nobody
  std::uint64_t epochs = 0;
  std::optional<time_point> due;
  child_state shown = child_state::idle;
  std::string reason;
  unsigned alive_below = 0;
  unsigned unsatisfied_below = 0;
  unsigned failed_below = 0;

  // -- derived
  bool desired = false;     ///< wanted, and every group above
  bool open = false;        ///< dependencies up, groups above open
  bool up = false;          ///< ready and meant to stay
  bool alive = false;       ///< has a process or actor
  bool unsatisfied = false; ///< keeps its group from being ready
  bool failed = false;      ///< and for good
  bool dragging = false;    ///< alive, but must go: what it depends on waits for that
  bool desires_below = false;
  bool open_below = false;
  unsigned drags = 0; ///< direct dependents that are dragging

  bool group() const noexcept { return spec.kind == child_kind::group; }
  bool temporary() const noexcept { return spec.restart == restart_policy::temporary; }
  child_state state() const noexcept { return group() ? shown : machine.state; }
};

} // namespace holt::supervision
