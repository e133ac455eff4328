// SPDX-License-Identifier: Apache-2.0
#pragma once

// Mouse and keyboard through XTEST. A keysym is typed as exactly that keysym, whatever the layout
// and whatever modifiers are held: from the layout where it has it, from a spare keycode otherwise.
// Works on the thread of its connection; must not outlive it. Never waits: where every spare key is
// still in use it answers errc::busy and says when to try again.

#include "desktop/foreign_keys.hpp"

#include <array>
#include <functional>
#include <map>
#include <set>
#include <span>

namespace holt::desktop {

inline constexpr int max_scroll_clicks = 20; ///< a call and axis

struct input_options {
  spare_end spares = spare_end::lowest;
  std::chrono::milliseconds spare_rest{1000};
};

class input {
public:
  static result<std::unique_ptr<input>> create(connection& x, input_options options = {});
  ~input(); ///< releases everything and gives the spare keys back
  input(const input&) = delete;
  input& operator=(const input&) = delete;

  /// Feed every event of the connection; knows which ones matter.
  void on_event(const xcb_generic_event_t& event);

  /// Moves the pointer; the position is clamped to the screen.
  result<void> move(int x, int y);

  /// 1 left, 2 middle, 3 right, 8 back, 9 forward; 1 to 9. A second press, or a release of what is
  /// not pressed, changes nothing.
  result<void> button(unsigned number, bool down);

  /// Wheel clicks, positive is up and left (the sign of neko); clamped. `control` holds Control.
  result<void> scroll(int dx, int dy, bool control = false);

  /// Presses or releases the key of an X keysym. A second press changes nothing. Errors:
  /// invalid_request (no keysym), busy (see retry_at), unsupported (nothing can carry it), io.
  result<void> key(keysym sym, bool down);

  /// Taps a key while modifiers are held, as fingers do: the key is the one that carries `sym`
  /// without Shift where there is one. Errors as key(); then nothing is held.
  result<void> chord(const std::vector<keysym>& modifiers, keysym sym);

  /// What a key of somebody else's keyboard means while these real modifiers are held there.
  struct key_meaning {
    keysym sym = 0;
    keysym base = 0;       ///< without any modifier
    unsigned modifies = 0; ///< real modifiers that it sets itself
  };
  result<key_meaning> meaning(keycode code, unsigned held);

  /// Told of every press and release that is sent to the server: the X type and the detail.
  void on_fake(std::function<void(std::uint8_t, std::uint8_t)> what) { on_fake_ = std::move(what); }

  /// Gives spare keys to what the layout lacks of a text, to as much of its beginning as there are
  /// keys for, in as few changes of the keymap as can be: each one makes every program read the map
  /// anew. Answers how many of `keys` can be typed then; busy when too few keys have rested.
  result<std::size_t> prepare(std::span<const keysym> keys);

  /// After errc::busy: when the same call may succeed.
  spare_keys::clock::time_point retry_at() const { return foreign_.retry_at(); }

  /// Releases every key and button that this object holds.
  void release_all();

  const std::set<unsigned>& held_buttons() const noexcept { return buttons_; }
  std::vector<keysym> held_keys() const;

private:
  input(connection& x, input_options options);
  result<void> press(keysym sym);
  result<void> press_plain(keysym sym);
  result<void> press_choice(keysym sym, const key_choice& choice);
  result<void> press_foreign(keysym sym, const modifier_state& now);
  void apply(const modifier_change& change);
  void restore();
  void fake(std::uint8_t type, std::uint8_t detail);
  void tap_button(std::uint8_t number, int count);
  std::vector<keycode> pressed_of(const std::vector<keycode>& keys);
  result<void> refresh_map();
  std::vector<keycode> held_codes() const;
  result<void> done(const char* what);

  connection& x_;
  keymap map_;
  foreign_keys foreign_;
  bool map_stale_ = true;
  screen_size screen_;
  bool screen_stale_ = true;
  std::map<keysym, keycode> keys_; ///< held
  std::set<unsigned> buttons_;     ///< held
  /// Modifiers changed for the key pressed last, put back before the next act.
  std::vector<keycode> pressed_for_key_;
  std::vector<keycode> released_for_key_;
  bool lock_cleared_ = false;
  std::function<void(std::uint8_t, std::uint8_t)> on_fake_;
};

} // namespace holt::desktop
