// SPDX-License-Identifier: Apache-2.0
#pragma once

// Names of keys as callers write them: DOM key names (Enter, ArrowLeft), X keysym names (Return,
// Shift_L, F5), single characters, combinations (ctrl+shift+t); and text as the keys that type it.
// Pure.

#include "desktop/keymap.hpp"
#include "messages/error.hpp"

#include <string>
#include <string_view>

namespace holt::desktop {

/// The keysym of a name; nothing for an unknown one. X names in their spelling, DOM names in any
/// case.
std::optional<keysym> keysym_of(std::string_view name);

/// The key of a modifier (ctrl, control, shift, alt, option, cmd, meta, super, win, altgr).
std::optional<keysym> modifier_of(std::string_view name);

struct key_chord {
  std::vector<keysym> modifiers; ///< in the order to press them
  keysym sym = 0;
};

/// `b`, `ctrl+b`, `ctrl++`. desktop_invalid_action names what is unknown; at most 8 parts.
result<key_chord> read_chord(std::string_view text);

/// One keysym per character; a line break is Return, a tab Tab. desktop_invalid_action for other
/// control characters and for what is not UTF-8.
result<std::vector<keysym>> keysyms_of_text(std::string_view text);

} // namespace holt::desktop
