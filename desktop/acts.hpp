// SPDX-License-Identifier: Apache-2.0
#pragma once

// What hands can do, as plain values: acts with their fields checked except against the screen's
// size of the moment. Pure.

#include "desktop/geometry.hpp"
#include "desktop/keymap.hpp"
#include "messages/error.hpp"

#include <chrono>
#include <variant>
#include <vector>

namespace holt::desktop {

struct point {
  int x = 0; ///< pixels from the left
  int y = 0; ///< pixels from the top
  friend bool operator==(const point&, const point&) = default;
};

struct move_act {
  point to;
};
struct click_act {
  point at;
  unsigned button = 1; ///< 1 left, 2 middle, 3 right, 8 back, 9 forward
  unsigned count = 1;
  std::vector<keysym> modifiers; ///< held meanwhile
};
struct button_act {
  std::optional<point> at; ///< none: where the pointer is
  unsigned button = 1;
  bool down = true;
};
struct drag_act {
  std::vector<point> path; ///< two at least
  unsigned button = 1;
  std::chrono::milliseconds lasts{0}; ///< over the whole path
};
struct scroll_act {
  point at;
  int dx = 0; ///< clicks, positive is right
  int dy = 0; ///< clicks, positive is down
};
struct type_act {
  std::vector<keysym> keys;
  std::chrono::milliseconds delay{0}; ///< between two of them
};
/// By way of the clipboard, which is as before afterwards.
struct paste_act {
  std::string text;              ///< UTF-8
  std::vector<keysym> modifiers; ///< of the combination that pastes
  keysym sym = 0;
};
struct press_act {
  std::vector<keysym> modifiers;
  keysym sym = 0;
};
struct key_act {
  keysym sym = 0;
  bool down = true;
};
struct wait_act {
  std::chrono::milliseconds lasts{0};
};

using act = std::variant<move_act, click_act, button_act, drag_act, scroll_act, type_act, paste_act,
                         press_act, key_act, wait_act>;

/// desktop_invalid_action when a point of it is not on a screen of this size.
result<void> fits(const act& what, screen_size size);

} // namespace holt::desktop
