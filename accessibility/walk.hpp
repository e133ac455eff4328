// SPDX-License-Identifier: Apache-2.0
#pragma once

// One reading of the tree, from the first call to the answer. Lives on the bus's thread as long as
// a call of it is in flight. Breadth first, so that a limit cuts leaves, not windows; each program
// has a lane of its own, so that one that hangs holds up nothing else.

#include "accessibility/tree.hpp"

#include <deque>
#include <map>
#include <set>

namespace holt::accessibility {

class walk : public std::enable_shared_from_this<walk> {
public:
  walk(bus& over, question what, std::function<void(const result<answer>&)> then);
  /// The bus is connected.
  void begin();

private:
  struct lane {
    std::deque<std::size_t> waiting;
    unsigned flying = 0;
    bool hangs = false;
  };
  /// What is asked of a node before anything is decided.
  struct look {
    std::size_t at = 0;
    unsigned open = 0; ///< answers that did not come yet
    bool gone = false;
    bool there = false; ///< it answered as a node
    bool late = false;
    std::vector<std::string> interfaces;
    std::vector<node_address> children;
  };
  using look_ptr = std::shared_ptr<look>;

  void list_programs();
  std::optional<std::size_t> add(const node_address& where, std::optional<std::size_t> parent);
  void pump();
  void visit(std::size_t at);
  void ask_pid(const look_ptr& of, std::function<void()> then);
  void know_pid(const look_ptr& of);
  reply part(const look_ptr& of, std::function<void(node&, sd_bus_message*)> take);
  void arrived(const look_ptr& of);
  void drop(const look_ptr& of);
  bool wanted(const node& one) const;
  bool fits(const node& one) const;
  void descend(const look_ptr& of);
  void ask_more(const look_ptr& of);
  void ask_actions(const look_ptr& of);
  void ask_text(const look_ptr& of);
  void ask_value(const look_ptr& of);
  void landed(const look_ptr& of);
  void finish();

  bus& bus_;
  question what_;
  std::function<void(const result<answer>&)> then_;
  answer out_;
  std::set<node_address> seen_;
  std::map<std::string, lane> lanes_;
  std::size_t matched_ = 0;
  std::size_t dropped_ = 0;    ///< nodes
  std::size_t text_bytes_ = 0; ///< of all nodes
  bool enough_ = false;
  bool done_ = false;
  bool pumping_ = false;
};

/// `step` runs after each answer when none is open any more.
template <class Step>
reply then_step(reply first, std::shared_ptr<walk> self, const bool& done, const unsigned& open,
                Step step) {
  return [first = std::move(first), self = std::move(self), &done, &open,
          step = std::move(step)](const result<sd_bus_message*>& got) {
    first(got);
    if (!done && open == 0)
      step();
  };
}

} // namespace holt::accessibility
