// SPDX-License-Identifier: Apache-2.0
#pragma once

// How one child is supervised: a plain value, checked as a whole by validate().

#include "messages/error.hpp"
#include "messages/supervision.hpp"
#include "supervisor/child_port.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace holt::supervision {

using std::chrono::milliseconds;

/// What happens when the restart budget is used up.
enum class exhausted_policy : std::uint8_t {
  escalate, ///< the parent group dies: it restarts as a whole, within its own budget
  degrade,  ///< the child stays `failed`, the rest goes on
  cooldown, ///< one attempt each `cooldown_period`
};

struct backoff_policy {
  milliseconds min{200};
  milliseconds max{30'000};
  double factor = 2.0;
  double jitter = 0.2;              ///< ± share of the delay, clamped to [min, max]
  milliseconds reset_after{60'000}; ///< continuously ready for this long: start over, first
                                    ///< restart at once
};

struct budget_policy {
  unsigned deaths = 8; ///< the next one within the window exhausts it
  milliseconds window{120'000};
};

struct ready_policy {
  milliseconds timeout{10'000};
  milliseconds extended_timeout{30'000}; ///< at most, with progress
};

struct live_policy {
  bool enabled = false;
  milliseconds period{1'000};
  milliseconds timeout{1'000}; ///< without any answer the probe counts as missed
  unsigned misses = 3;
};

struct stop_policy {
  milliseconds grace{5'000};      ///< from stop() to kill()
  milliseconds kill_grace{2'000}; ///< from kill() until it is given up and reported
};

/// One node. A group has no port: it is what its children are.
struct child_spec {
  child_id id;
  child_id parent; ///< empty: the root group
  child_kind kind = child_kind::process;
  std::vector<child_id> depends_on; ///< children or groups that must be ready first
  restart_policy restart = restart_policy::permanent;
  bool autostart = true;
  bool optional = false;      ///< readiness of the group does not wait for it
  bool one_for_all = false;   ///< group only: one unexpected death restarts every child of it
  bool sweep_on_death = true; ///< kill what the process left behind when it dies unexpectedly
  exhausted_policy on_exhausted = exhausted_policy::escalate;
  milliseconds cooldown_period{300'000};
  backoff_policy backoff;
  budget_policy budget;
  ready_policy ready;
  live_policy live;
  stop_policy stop;
  std::vector<int> clean_exit_codes{0};
  std::vector<int> fatal_exit_codes{78, 125, 126, 127}; ///< failed at once, never restarted
  child_port_ptr port;                                  ///< empty for groups
};

/// Unique ids, known parents and dependencies, no cycle, sane bounds. The error names id and field.
result<void> validate(const std::vector<child_spec>& specs);

} // namespace holt::supervision
