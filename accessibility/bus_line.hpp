// SPDX-License-Identifier: Apache-2.0
#pragma once

// One connection of a bus and the calls that wait on it, each with its own deadline. Lives on the
// bus's thread, which reads from it and expires what is late; never blocks.

#include "accessibility/bus.hpp"

#include <unordered_set>

struct sd_bus;
struct sd_bus_slot;

namespace holt::accessibility {

constexpr const char* ended_text = "the bus ended";

struct pending;

/// One connection to a bus and its unanswered calls.
struct line {
  using clock = std::chrono::steady_clock;

  sd_bus* connection = nullptr;
  std::unordered_set<pending*> waiting;

  line() = default;
  line(const line&) = delete;
  line& operator=(const line&) = delete;
  ~line() { close(); }

  /// Negative where it failed.
  int open(const std::string& address);
  /// Drops what waits, unanswered.
  void close();
  void call(const node_address& to, const char* interface, const char* member, milliseconds limit,
            const arguments& append, reply then);
  /// Those that had to be answered by `then` are late. For when all that came has been read: a
  /// daemon that was held up must not blame the programs.
  void expire(clock::time_point then);
  /// What waits, to be told that the connection is lost.
  std::vector<reply> take_waiting();
};

/// A call that waits for its answer.
struct pending {
  line* owner = nullptr;
  sd_bus_slot* slot = nullptr;
  line::clock::time_point deadline;
  reply then;
};

} // namespace holt::accessibility
