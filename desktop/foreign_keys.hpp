// SPDX-License-Identifier: Apache-2.0
#pragma once

// Keys for what the layout lacks: the spare keys of the server's map, and what they mean there. It
// writes their meanings into the map, and into a property of the root window, from which the next
// run takes back what a crashed one left. Owned by `input`; works on the thread of its connection,
// which outlives it. Never waits: where every spare key is still in use it answers errc::busy.

#include "desktop/keymap.hpp"
#include "desktop/spare_keys.hpp"

#include <map>
#include <set>
#include <span>

namespace holt::desktop {

class foreign_keys {
public:
  foreign_keys(connection& x, spare_end spares, spare_keys::clock::duration rest);

  /// Takes back what a run that crashed left on the spare keys.
  result<void> open();

  /// The map was read anew.
  void refresh(const keymap& map);

  /// Whether a change of the map, told by this event, is one of ours.
  bool caused(const xcb_generic_event_t& event) const;

  /// The key that carries `sym` from now on; those in `held` keep their meaning. busy (see
  /// retry_at), unsupported (there is no spare key).
  result<keycode> take(keysym sym, const std::vector<keycode>& held);

  /// Gives keys to what `map` lacks of a text with these modifiers in force: to as much of its
  /// beginning as there are keys for, in as few changes of the map as can be. Answers how many of
  /// `text` can be typed then; busy when too few keys have rested.
  result<std::size_t> prepare(std::span<const keysym> text, const keymap& map,
                              const modifier_state& modifiers, const std::vector<keycode>& held);

  /// Keys that carry something of ours.
  std::vector<keycode> mine() const { return spares_.mine(); }

  /// After errc::busy: when the same call may succeed.
  spare_keys::clock::time_point retry_at() const;

  /// Clears the keys and forgets the property.
  void give_back();

private:
  void write(const std::map<keycode, keysym>& meanings);
  void publish();

  connection& x_;
  spare_end end_;
  spare_keys spares_;
  xcb_atom_t property_ = 0;
  std::set<std::uint32_t> own_changes_; ///< sequence numbers of our map requests, newest few
  std::optional<spare_keys::clock::time_point> retry_at_; ///< later than when one key is free
};

} // namespace holt::desktop
