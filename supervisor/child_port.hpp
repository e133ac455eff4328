// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the supervisor can do to one child, and what it hears of it. Implemented above, in
// actors/ (an operating system process, an actor); faked in tests. Calls never block and never
// throw; every answer comes through the sink given at start and carries that start's generation.

#include "messages/supervision.hpp"

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace holt::supervision {

/// The process or actor exists now.
struct spawned {
  std::int64_t pid = 0; ///< 0 for actors
};

/// It could not be started. `permanent`: trying again cannot help (program missing).
struct spawn_failed {
  std::string reason;
  bool permanent = false;
};

/// Its ready probe succeeded: it serves.
struct became_ready {};

/// It is still starting and made progress: extends the start timeout, up to a bound.
struct start_progress {
  std::string what; ///< shown as the reason while it starts
};

/// One live probe was answered.
struct probe_ok {};

/// One live probe was not answered within its timeout, or wrongly.
struct probe_missed {
  std::string reason;
};

/// It ended by itself or because it was stopped.
struct exited {
  death_cause cause = death_cause::exit; ///< exit, signal or actor
  int code = 0;
  std::string detail;
  std::vector<std::string> last_lines;
  std::uint64_t peak_rss_bytes = 0; ///< 0: not known
};

/// After kill(): no process of its tree is left (`survivors` 0), or some could not be killed.
struct kill_verified {
  unsigned survivors = 0;
};

using child_event = std::variant<spawned, spawn_failed, became_ready, start_progress, probe_ok,
                                 probe_missed, exited, kill_verified>;

/// Called from any thread, any number of times, also late.
using event_sink = std::function<void(generation, child_event)>;

class child_port {
public:
  virtual ~child_port() = default;

  /// Start it. Answers `spawned` or `spawn_failed`; later `became_ready`, `exited`.
  virtual void start(generation gen, event_sink sink) = 0;

  /// Ask it to end its own way (signal, protocol, exit message). Answers `exited` in time, or the
  /// supervisor calls kill(). Called again for a process whose `spawned` came only after it.
  virtual void stop(generation gen) = 0;

  /// End it and every process that it left behind, now. Also called after `exited`, to sweep what
  /// is left of the tree. Answers `kill_verified`, and `exited` if that was not said yet, in either
  /// order; only both end the run of a process (for an actor, `exited`). Called again like stop().
  virtual void kill(generation gen) = 0;

  /// Ask whether it lives. Answers `probe_ok` or `probe_missed`, within the probe's own timeout.
  virtual void probe(generation gen) = 0;
};

using child_port_ptr = std::shared_ptr<child_port>;

} // namespace holt::supervision
