// SPDX-License-Identifier: Apache-2.0
#pragma once

// The daemon's own X connection, as an actor. X calls block, so they run on one thread that this
// actor owns and that takes its work from a queue; answers come by callback. Ends when the X
// server is gone (the supervisor starts it again with the next one).

#include "desktop/connection.hpp"

#include <caf/all.hpp>

#include <functional>
#include <string>

namespace holt {

struct x_client_options {
  desktop::display_address display;
  desktop::screen_size size; ///< set at start; rate 0: 60
  unsigned dpi = 96;
  std::function<void()> on_ready;
  /// Why it ends, before it ends.
  std::function<void(std::string)> on_failure;
};

/// Runs a call on the X thread. It may block as long as the X server does.
struct x_call {
  std::function<void(result<desktop::connection*>)> work;
};

/// Sets the size (and the resolution unless 0), repaints; answers what is in force.
struct x_resize {
  desktop::screen_size size;
  unsigned dpi = 0;
  std::function<void(result<desktop::screen_size>)> answer;
};

caf::actor spawn_x_client(caf::actor_system& system, x_client_options how);

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::x_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::x_resize)
