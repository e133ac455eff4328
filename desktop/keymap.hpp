// SPDX-License-Identifier: Apache-2.0
#pragma once

// The server's keyboard layout as a question: which key, with which modifiers, gives this keysym
// now? Answers from a copy of the server's map (xkbcommon), which reload() renews. Works on the
// thread of its connection. Changes nothing on the server.

#include "desktop/connection.hpp"

#include <cstdint>
#include <optional>
#include <vector>

struct xkb_context;
struct xkb_keymap;
struct xkb_state;

namespace holt::desktop {

using keysym = std::uint32_t;
using keycode = std::uint8_t;

/// The one spelling of a keysym: a Unicode keysym (0x01000000 + code point) that has an older name
/// becomes that. 0 for values that are no keysym.
keysym canonical(keysym sym) noexcept;

/// Shift, Control, AltGr, Caps Lock and their kin.
bool is_modifier(keysym sym) noexcept;

/// What must differ from the modifiers in force while a key is pressed.
struct modifier_change {
  std::optional<bool> shift;  ///< pressed or not
  std::optional<bool> level3; ///< AltGr pressed or not
  bool clear_lock = false;    ///< Caps Lock must be off
  int cost() const noexcept { return shift.has_value() + level3.has_value() + 2 * clear_lock; }
};

struct key_choice {
  keycode code = 0;
  modifier_change change;
};

/// Modifiers and group in force on the server, as XKB says them.
struct modifier_state {
  std::uint8_t base = 0, latched = 0, locked = 0;
  std::int16_t base_group = 0, latched_group = 0;
  std::uint8_t locked_group = 0;
};

class keymap {
public:
  explicit keymap(connection& x);
  ~keymap();
  keymap(const keymap&) = delete;
  keymap& operator=(const keymap&) = delete;

  /// Reads the map from the server (some round trips, 1 to 5 ms).
  result<void> reload();

  /// True for an event after which the copy is stale. The sequence number of the request that
  /// caused it is in event.full_sequence.
  bool is_event(const xcb_generic_event_t& event) const noexcept;

  result<modifier_state> modifiers() const;

  /// The cheapest way to `sym` with the modifiers in force; keys in `except` are not considered.
  std::optional<key_choice> find(keysym sym, const modifier_state& now,
                                 const std::vector<keycode>& except) const;

  /// The key that has this keysym without any modifier, or at any level; for modifier keys.
  std::optional<keycode> key_of(keysym sym) const;

  /// Keys that carry no keysym at all, ascending.
  std::vector<keycode> unused() const;

  /// The keysym that the key gives with these modifiers in force; 0: none.
  keysym symbol(keycode code, const modifier_state& now) const;

  /// The real modifiers that the key sets while it is down.
  unsigned modifies(keycode code) const;

  /// The keysym of the key without modifiers in the first group; 0: none.
  keysym base_symbol(keycode code) const;

  /// Keys that shift (Shift_L, Shift_R) or choose the third level (AltGr), for release.
  std::vector<keycode> shift_keys() const;
  std::vector<keycode> level3_keys() const;

private:
  std::vector<keycode> keys_with(std::initializer_list<keysym> syms) const;

  connection& x_;
  xkb_context* context_ = nullptr;
  xkb_keymap* map_ = nullptr;
};

} // namespace holt::desktop
