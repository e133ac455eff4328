// SPDX-License-Identifier: Apache-2.0
#pragma once

// The daemon's own X connection, as an actor: owns the X thread (actors/x_thread) and sets the
// screen up. Whoever calls often goes through the door instead of the mailbox. Ends when the X
// server is gone (the supervisor starts it again with the next one).

#include "actors/x_thread.hpp"

#include <caf/all.hpp>

#include <functional>
#include <string>

namespace holt::desktop {
struct hand_event;
struct clipboard_change;
} // namespace holt::desktop

namespace holt {

struct x_client_options {
  desktop::display_address display;
  desktop::screen_size size; ///< set at start; rate 0: 60
  unsigned dpi = 96;
  x_door_ptr door; ///< opened while this one lives; may be null
  /// What hands other than the API's do; on the X thread.
  std::function<void(const desktop::hand_event&)> on_hand;
  /// Who owns a selection now (`primary`, or the clipboard); on the X thread.
  std::function<void(bool primary, const desktop::clipboard_change&)> on_copied;
  std::function<void()> on_ready;
  /// Why it ends, before it ends.
  std::function<void(std::string)> on_failure;
};

/// Runs a call on the X thread. It may block as long as the X server does.
struct x_call {
  x_work work;
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
