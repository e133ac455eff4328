// SPDX-License-Identifier: Apache-2.0
#include "desktop/input.hpp"

#include "desktop/modes.hpp"
#include "desktop/xkb_protocol.hpp"

#include <xcb/xtest.h>
#include <xkbcommon/xkbcommon-keysyms.h>
#include <xkbcommon/xkbcommon.h>

#include <algorithm>

namespace holt::desktop {

namespace {

constexpr std::uint8_t shortcut_mask
  = XCB_MOD_MASK_CONTROL | XCB_MOD_MASK_1 | XCB_MOD_MASK_4; // Control, Alt, Super

/// The same letter in the other case; `sym` itself where there is none.
keysym other_case(keysym sym) {
  auto lower = canonical(xkb_keysym_to_lower(sym));
  return lower != sym ? lower : canonical(xkb_keysym_to_upper(sym));
}

} // namespace

input::input(connection& x, input_options options)
  : x_(x), map_(x), foreign_(x, options.spares, options.spare_rest) {}

result<std::unique_ptr<input>> input::create(connection& x, input_options options) {
  std::unique_ptr<input> self{new input(x, options)};
  watch_modes(x);
  if (auto opened = self->foreign_.open(); !opened)
    return opened.error();
  if (auto read = self->refresh_map(); !read)
    return read.error();
  return self;
}

input::~input() {
  if (x_.lost())
    return;
  release_all();
  foreign_.give_back();
  // The X server throws away what it has not read yet when the connection goes.
  static_cast<void>(x_.ping());
}

void input::on_event(const xcb_generic_event_t& event) {
  if (map_.is_event(event)) {
    if (!foreign_.caused(event))
      map_stale_ = true;
  } else if (is_mode_event(x_, event)) {
    screen_stale_ = true;
  }
}

result<void> input::refresh_map() {
  map_stale_ = false;
  if (auto read = map_.reload(); !read) {
    map_stale_ = true;
    return read;
  }
  foreign_.refresh(map_);
  return {};
}

result<void> input::move(int x, int y) {
  if (screen_stale_) {
    auto size = x_.root_size();
    if (!size)
      return size.error();
    screen_ = *size;
    screen_stale_ = false;
  }
  auto clamped = [](int v, unsigned size) {
    return static_cast<std::int16_t>(std::clamp(v, 0, static_cast<int>(size) - 1));
  };
  xcb_test_fake_input(x_.raw(), XCB_MOTION_NOTIFY, 0, XCB_CURRENT_TIME, x_.root(),
                      clamped(x, screen_.width), clamped(y, screen_.height), 0);
  return done("motion");
}

result<void> input::button(unsigned number, bool down) {
  if (number < 1 || number > 9)
    return error{errc::invalid_request, "a mouse has the buttons 1 to 9"};
  if (down == buttons_.contains(number))
    return {};
  restore();
  fake(down ? XCB_BUTTON_PRESS : XCB_BUTTON_RELEASE, static_cast<std::uint8_t>(number));
  if (down)
    buttons_.insert(number);
  else
    buttons_.erase(number);
  return done("button");
}

void input::tap_button(std::uint8_t number, int count) {
  for (int i = 0; i < count; ++i) {
    fake(XCB_BUTTON_PRESS, number);
    fake(XCB_BUTTON_RELEASE, number);
  }
}

result<void> input::scroll(int dx, int dy, bool control) {
  dx = std::clamp(dx, -max_scroll_clicks, max_scroll_clicks);
  dy = std::clamp(dy, -max_scroll_clicks, max_scroll_clicks);
  restore();
  std::optional<keycode> hold;
  if (control) {
    if (map_stale_)
      if (auto read = refresh_map(); !read)
        return read;
    auto now = map_.modifiers();
    if (!now)
      return now.error();
    if ((now->base & XCB_MOD_MASK_CONTROL) == 0)
      hold = map_.key_of(XKB_KEY_Control_L);
  }
  if (hold)
    fake(XCB_KEY_PRESS, *hold);
  tap_button(dy > 0 ? 4 : 5, std::abs(dy));
  tap_button(dx > 0 ? 6 : 7, std::abs(dx));
  if (hold)
    fake(XCB_KEY_RELEASE, *hold);
  return done("scroll");
}

result<void> input::key(keysym sym, bool down) {
  sym = canonical(sym);
  if (sym == 0)
    return error{errc::invalid_request, "no such keysym"};
  if (down)
    return keys_.contains(sym) ? result<void>{} : press(sym);
  auto held = keys_.find(sym);
  if (held == keys_.end()) // pressed with Shift, released without
    held = keys_.find(other_case(sym));
  if (held == keys_.end())
    return {};
  fake(XCB_KEY_RELEASE, held->second);
  keys_.erase(held);
  restore();
  return done("key");
}

result<void> input::press(keysym sym) {
  restore();
  if (map_stale_)
    if (auto read = refresh_map(); !read)
      return read;
  if (is_modifier(sym)) {
    auto code = map_.key_of(sym);
    if (!code)
      return error{errc::unsupported, "the layout has no such modifier"};
    return press_choice(sym, {*code, {}});
  }
  auto now = map_.modifiers();
  if (!now)
    return now.error();
  auto except = foreign_.mine();
  auto choice = map_.find(sym, *now, except);
  auto effective = now->base | now->latched | now->locked;
  if ((effective & shortcut_mask) != 0 && (!choice || choice->change.cost() > 0)) {
    // Control+C stays that, also from a keyboard with Caps Lock on: shortcuts mean keys.
    auto twin = map_.find(other_case(sym), *now, except);
    if (twin && twin->change.cost() == 0)
      choice = twin;
  }
  return choice ? press_choice(sym, *choice) : press_foreign(sym, *now);
}

result<void> input::press_plain(keysym sym) {
  restore();
  if (map_stale_)
    if (auto read = refresh_map(); !read)
      return read;
  auto code = map_.key_of(sym);
  if (!code || canonical(map_.base_symbol(*code)) != sym)
    return press(sym);
  return press_choice(sym, {*code, {}});
}

result<void> input::chord(const std::vector<keysym>& modifiers, keysym sym) {
  sym = canonical(sym);
  if (sym == 0)
    return error{errc::invalid_request, "no such keysym"};
  std::vector<keysym> pressed;
  result<void> outcome;
  for (auto modifier : modifiers) {
    if (!outcome || keys_.contains(canonical(modifier)))
      continue; // held already, and held on afterwards
    outcome = key(modifier, true);
    if (outcome)
      pressed.push_back(modifier);
  }
  if (outcome)
    outcome = modifiers.empty() ? key(sym, true) : press_plain(sym);
  if (outcome)
    outcome = key(sym, false);
  for (auto it = pressed.rbegin(); it != pressed.rend(); ++it)
    if (auto released = key(*it, false); outcome)
      outcome = released;
  return outcome;
}

result<void> input::press_choice(keysym sym, const key_choice& choice) {
  // The key may be down already as another level of itself.
  for (auto it = keys_.begin(); it != keys_.end();)
    if (it->second == choice.code) {
      fake(XCB_KEY_RELEASE, it->second);
      it = keys_.erase(it);
    } else {
      ++it;
    }
  apply(choice.change);
  fake(XCB_KEY_PRESS, choice.code);
  keys_[sym] = choice.code;
  return done("key");
}

result<void> input::press_foreign(keysym sym, const modifier_state& now) {
  auto code = foreign_.take(sym, held_codes());
  if (!code)
    return code.error();
  key_choice choice{*code, {}};
  // Clients turn a letter into its capital under Caps Lock, whatever the key says.
  choice.change.clear_lock = (now.locked & XCB_MOD_MASK_LOCK) != 0 && other_case(sym) != sym;
  return press_choice(sym, choice);
}

result<std::size_t> input::prepare(std::span<const keysym> keys) {
  restore();
  if (map_stale_)
    if (auto read = refresh_map(); !read)
      return read.error();
  auto now = map_.modifiers();
  if (!now)
    return now.error();
  return foreign_.prepare(keys, map_, *now, held_codes());
}

void input::apply(const modifier_change& change) {
  auto adjust = [this](const std::optional<bool>& wanted, const std::vector<keycode>& keys) {
    if (!wanted || keys.empty())
      return;
    if (*wanted) {
      fake(XCB_KEY_PRESS, keys.front());
      pressed_for_key_.push_back(keys.front());
      return;
    }
    for (auto code : pressed_of(keys)) {
      fake(XCB_KEY_RELEASE, code);
      released_for_key_.push_back(code);
    }
  };
  adjust(change.shift, map_.shift_keys());
  adjust(change.level3, map_.level3_keys());
  if (change.clear_lock) {
    xcb_xkb_latch_lock_state(x_.raw(), XCB_XKB_ID_USE_CORE_KBD, XCB_MOD_MASK_LOCK, 0, 0, 0, 0, 0,
                             0);
    lock_cleared_ = true;
  }
}

void input::restore() {
  for (auto code : pressed_for_key_)
    fake(XCB_KEY_RELEASE, code);
  for (auto code : released_for_key_)
    fake(XCB_KEY_PRESS, code);
  if (lock_cleared_)
    xcb_xkb_latch_lock_state(x_.raw(), XCB_XKB_ID_USE_CORE_KBD, XCB_MOD_MASK_LOCK,
                             XCB_MOD_MASK_LOCK, 0, 0, 0, 0, 0);
  pressed_for_key_.clear();
  released_for_key_.clear();
  lock_cleared_ = false;
}

std::vector<keycode> input::pressed_of(const std::vector<keycode>& keys) {
  xcb_ptr<xcb_query_keymap_reply_t> reply{
    xcb_query_keymap_reply(x_.raw(), xcb_query_keymap(x_.raw()), nullptr)};
  std::vector<keycode> pressed;
  for (auto code : keys)
    if (reply && (reply->keys[code / 8] >> (code % 8) & 1) != 0)
      pressed.push_back(code);
  return pressed;
}

void input::release_all() {
  restore();
  for (auto [sym, code] : keys_)
    fake(XCB_KEY_RELEASE, code);
  for (auto number : buttons_)
    fake(XCB_BUTTON_RELEASE, static_cast<std::uint8_t>(number));
  keys_.clear();
  buttons_.clear();
  x_.flush();
}

std::vector<keysym> input::held_keys() const {
  std::vector<keysym> syms;
  for (auto [sym, code] : keys_)
    syms.push_back(sym);
  return syms;
}

std::vector<keycode> input::held_codes() const {
  std::vector<keycode> codes;
  for (auto [sym, code] : keys_)
    codes.push_back(code);
  return codes;
}

result<input::key_meaning> input::meaning(keycode code, unsigned held) {
  if (map_stale_)
    if (auto read = refresh_map(); !read)
      return read.error();
  auto now = map_.modifiers();
  if (!now)
    return now.error();
  now->base = static_cast<std::uint8_t>(held);
  return key_meaning{map_.symbol(code, *now), map_.base_symbol(code), map_.modifies(code)};
}

void input::fake(std::uint8_t type, std::uint8_t detail) {
  if (on_fake_)
    on_fake_(type, detail);
  xcb_test_fake_input(x_.raw(), type, detail, XCB_CURRENT_TIME, XCB_NONE, 0, 0, 0);
}

result<void> input::done(const char* what) {
  x_.flush();
  if (x_.lost())
    return x_.failure(what);
  return {};
}

} // namespace holt::desktop
