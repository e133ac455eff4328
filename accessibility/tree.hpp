// SPDX-License-Identifier: Apache-2.0
#pragma once

// What is on the desktop as structure: programs, their windows, their widgets. A `desk` reads it
// from the programs over the accessibility bus and acts on it for the API. Many calls are in
// flight at once; a program that hangs costs its own part of the answer and the time of one call,
// and every reading has limits on nodes, depth and time. Any thread may ask; answers come on the
// bus's thread and must not block it.

#include "accessibility/bus.hpp"

namespace holt::accessibility {

struct rectangle {
  int x = 0; ///< pixels of the desktop
  int y = 0;
  int width = 0;
  int height = 0;
};

struct value_range {
  double current = 0;
  double minimum = 0;
  double maximum = 0;
  std::optional<double> increment;
};

struct node {
  std::string id;
  node_address where;
  std::uint32_t role = 0;
  std::string name;
  std::string description;
  std::vector<std::uint32_t> states; ///< bits
  std::optional<rectangle> bounds;   ///< nothing where it has no place on the screen
  std::optional<std::string> text;   ///< what it shows, where that is more than its name
  bool text_cut = false;             ///< there is more text
  std::optional<value_range> value;  ///< of a slider and the like
  std::vector<std::string> actions;  ///< names
  std::vector<std::size_t> children; ///< places in answer::nodes
  std::optional<std::size_t> parent; ///< the same
  std::optional<std::uint32_t> pid;  ///< of a program
  unsigned depth = 0;                ///< programs 0, their windows 1
  bool timed_out = false;            ///< its program did not tell (all)
  bool cut = false;                  ///< children were left out, by a limit
  bool dropped = false;              ///< not part of the answer
  bool matches = false;              ///< it is what was looked for
};

struct question {
  std::optional<std::string> from;  ///< the id of a node; else the whole desktop
  std::optional<std::string> app;   ///< name of the program, in any case
  std::optional<std::uint32_t> pid; ///< of the program
  std::optional<std::string> title; ///< only windows of this name
  bool only_showing = true;         ///< nothing that is not on the screen
  unsigned depth = 64;              ///< below where it begins
  std::size_t nodes = 500;          ///< at most so many are looked at
  std::size_t text_limit = 2'000;   ///< characters of one node's text
  milliseconds patience{5'000};     ///< for all
  milliseconds call_limit{2'000};   ///< for one answer of a program
  // -- find: nodes that fit all of these; without any, the tree
  bool find = false;
  std::optional<std::string> role;
  std::optional<std::string> name; ///< part of it, in any case
  bool whole_name = false;         ///< exactly it
  std::optional<std::string> state;
  std::size_t matches = 50; ///< then it stops
};

struct answer {
  std::vector<node> nodes;        ///< with `dropped` ones among them
  std::vector<std::size_t> roots; ///< places in `nodes`
  bool truncated = false;         ///< a limit left something out
  bool timed_out = false;         ///< a program, or the time, left something out
};

enum class act_kind { action, focus, text, value };

struct act {
  act_kind kind = act_kind::action;
  std::string id;
  std::optional<std::string> action; ///< its name; else the first
  std::string text;
  double value = 0;
  milliseconds limit{5'000};
  /// Asked right before it takes effect.
  std::function<result<void>()> may;
};

class desk {
public:
  /// `session_address` is the session bus's.
  explicit desk(std::string session_address);

  /// Begins to connect, so that programs find the bus switched on.
  void wake();
  /// busy: there is no bus to be had; not_found: the node is gone.
  void read(question what, std::function<void(const result<answer>&)> then);
  /// not_found; desktop_invalid_action: the node cannot do this; conflict: its program refused;
  /// timeout: it may have taken effect or not; or what `may` told.
  void perform(act what, std::function<void(const result<void>&)> then);

private:
  bus bus_;
};

using desk_ptr = std::shared_ptr<desk>;

/// The bus launcher's program; empty where it is not installed.
std::string launcher_program();
/// The Debian package that has it.
constexpr const char* launcher_package = "at-spi2-core";

} // namespace holt::accessibility
