// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the supervisor actor is asked and what it answers. Plain values without CAF; each is
// listed in supervisor/caf_types.hpp.

#include "messages/error.hpp"
#include "messages/supervision.hpp"
#include "supervisor/child_spec.hpp"

#include <vector>

namespace holt::supervision {

/// Start every autostarted child. Once.
struct boot {};

/// Start, stop (held until start) or restart a child or a group.
struct start_request {
  child_id id;
};
struct stop_request {
  child_id id;
};
struct restart_request {
  child_id id;
};

/// Put a child or an empty group into the tree; it starts if it is autostarted.
struct add_request {
  child_spec spec;
};

/// Stop it and take it out of the tree.
struct remove_request {
  child_id id;
};

/// Taken on, or refused with a reason. What comes of it is told by events.
struct outcome {
  error why; ///< errc::none when taken on
  bool ok() const noexcept { return why.code == errc::none; }
};

struct snapshot_request {};

/// The tree as it is now.
struct tree_report {
  std::vector<child_snapshot> nodes; ///< root first, parents before children
  std::vector<child_id> degraded;    ///< wanted and not serving
  bool ready = false;                ///< all autostarted children serve
  std::uint64_t stale = 0;           ///< late events dropped since the start
};

/// Stop everything, in reverse dependency order; answered when no child is left. For good.
struct stop_all_request {};
struct stop_all_done {};

/// Stop everything now: graces become 0.
struct hurry {};

} // namespace holt::supervision
