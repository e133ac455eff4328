// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who hears what happens on the desktop beside the API's acts. Goes where `on_hand` goes, so that
// what is about hands alone need not know of the clipboard. Called on the X thread.

#include <functional>

namespace holt::desktop {
struct hand_event;
struct clipboard_change;
} // namespace holt::desktop

namespace holt {

struct desk_listener {
  /// What hands other than the API's do.
  std::function<void(const desktop::hand_event&)> hand;
  /// Who owns a selection now (`primary`, or the clipboard).
  std::function<void(bool primary, const desktop::clipboard_change&)> copied;

  void operator()(const desktop::hand_event& what) const { hand(what); }
};

} // namespace holt
