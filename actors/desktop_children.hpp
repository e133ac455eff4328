// SPDX-License-Identifier: Apache-2.0
#pragma once

// The node `desktop` of the tree: which programs it is made of, how each is started, proven ready
// and kept alive, and what depends on what. Builds specs; runs nothing itself.

#include "actors/actor_child.hpp"
#include "actors/desktop_context.hpp"
#include "actors/process_child.hpp"
#include "actors/x_thread.hpp"
#include "supervisor/child_spec.hpp"

#include <caf/all.hpp>

#include <vector>

namespace holt::desktop {
struct hand_event;
}

namespace holt {

/// What applies to every child: from the configuration.
struct supervision_defaults {
  supervision::backoff_policy backoff;
  supervision::budget_policy budget;
  supervision::live_policy live;
};

struct desktop_options {
  process_tools tools;
  desktop_context_ptr context;
  std::string log_dir;
  supervision_defaults defaults;
  unsigned max_width = 3840;
  unsigned max_height = 2160;
  bool sound = true;
  bool autostart = true;
  caf::actor_system* system = nullptr;
  actor_ref<caf::actor> x_client; ///< set while one runs
  x_door_ptr door;                ///< to its thread
  /// What hands other than the API's do; on the X thread.
  std::function<void(const desktop::hand_event&)> on_hand;
};

/// The group `desktop` and its children.
std::vector<supervision::child_spec> desktop_children(const desktop_options& how);

/// Program of Debian's package; the error names the package.
result<std::string> need_program(const std::string& program, const std::string& package,
                                 const std::string& path);

} // namespace holt
