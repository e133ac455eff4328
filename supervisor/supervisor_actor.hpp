// SPDX-License-Identifier: Apache-2.0
#pragma once

// The supervisor: carries requests, port events and time into the pure tree and its effects out to
// the ports and the observers. Spawned by app/; lives as long as the daemon. Never blocks, never
// decides anything itself. Monitors nothing: ports speak through their sinks.

#include "supervisor/caf_types.hpp"

#include <caf/all.hpp>

#include <functional>
#include <vector>

namespace holt::supervision {

using supervisor_actor = caf::typed_actor<
  // Start the autostarted children. Send it once all that the ports need exists.
  caf::reacts_to<boot>,
  // Start a child or group; also a failed one, with a new budget.
  caf::replies_to<start_request>::with<outcome>,
  // Stop it, after those that depend on it; held until start.
  caf::replies_to<stop_request>::with<outcome>,
  // Stop and start it, and those that depend on it around that.
  caf::replies_to<restart_request>::with<outcome>,
  // Put a child or an empty group into the tree.
  caf::replies_to<add_request>::with<outcome>,
  // Stop it and take it out.
  caf::replies_to<remove_request>::with<outcome>,
  // The tree as it is now.
  caf::replies_to<snapshot_request>::with<tree_report>,
  // Orderly stop of everything; answers when no child is left.
  caf::replies_to<stop_all_request>::with<stop_all_done>,
  // Stop everything at once.
  caf::reacts_to<hurry>>;

/// Called in the supervisor's own message handlers: must neither block nor throw (what they throw
/// is swallowed). Any may be empty.
struct supervisor_observers {
  std::function<void(const supervision_event&)> on_event;
  std::function<void()> on_all_ready;                   ///< at most once
  std::function<void(const std::string&)> on_escalated; ///< at most once; then stop everything
};

struct supervisor_options {
  child_id root_id = "holt";
  std::uint64_t seed = 0; ///< of the jitter; 0: from the system
};

/// Spawns the supervisor of these static children; nothing starts before `boot`. Errors: those of
/// validate(). Ends by exit message, after an orderly stop of what still runs.
result<supervisor_actor> spawn_supervisor(caf::actor_system& system, std::vector<child_spec> specs,
                                          supervisor_observers observers = {},
                                          supervisor_options options = {});

} // namespace holt::supervision
