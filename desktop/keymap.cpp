// SPDX-License-Identifier: Apache-2.0
#include "desktop/keymap.hpp"

#include "desktop/xkb_protocol.hpp"

#include <xkbcommon/xkbcommon-keysyms.h>
#include <xkbcommon/xkbcommon-x11.h>

#include <algorithm>

namespace holt::desktop {

namespace {

constexpr unsigned unicode_base = 0x0100'0000;
constexpr std::uint8_t shift_mask = XCB_MOD_MASK_SHIFT;
constexpr std::uint8_t lock_mask = XCB_MOD_MASK_LOCK;
constexpr keycode first_key = 8;
constexpr unsigned last_key = 255;

struct state_delete {
  void operator()(xkb_state* s) const noexcept { xkb_state_unref(s); }
};
using state_ptr = std::unique_ptr<xkb_state, state_delete>;

state_ptr state_with(xkb_keymap* map, const modifier_state& now, unsigned base, unsigned locked) {
  state_ptr s{xkb_state_new(map)};
  xkb_state_update_mask(s.get(), base, now.latched, locked,
                        static_cast<xkb_layout_index_t>(now.base_group),
                        static_cast<xkb_layout_index_t>(now.latched_group), now.locked_group);
  return s;
}

/// The real modifiers that pressing `code` sets.
unsigned mask_of(xkb_keymap* map, keycode code) {
  state_ptr s{xkb_state_new(map)};
  xkb_state_update_key(s.get(), code, XKB_KEY_DOWN);
  return xkb_state_serialize_mods(s.get(), XKB_STATE_MODS_DEPRESSED) & 0xff;
}

} // namespace

keysym canonical(keysym sym) noexcept {
  if (sym == 0 || sym == XKB_KEY_VoidSymbol)
    return 0;
  if (sym >= unicode_base) {
    auto point = sym - unicode_base;
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff) || point < 0x20
        || (point >= 0x7f && point < 0xa0))
      return 0;
    return xkb_utf32_to_keysym(point);
  }
  return sym > 0x1fff'ffff || (sym > 0xffff && sym < 0x1000'0000) ? 0 : sym;
}

bool is_modifier(keysym sym) noexcept {
  return (sym >= XKB_KEY_Shift_L && sym <= XKB_KEY_Hyper_R)
         || (sym >= XKB_KEY_ISO_Lock && sym <= XKB_KEY_ISO_Level5_Lock)
         || sym == XKB_KEY_Mode_switch || sym == XKB_KEY_Num_Lock || sym == XKB_KEY_Scroll_Lock;
}

keymap::keymap(connection& x) : x_(x) {
  context_ = xkb_context_new(static_cast<xkb_context_flags>(XKB_CONTEXT_NO_DEFAULT_INCLUDES
                                                            | XKB_CONTEXT_NO_ENVIRONMENT_NAMES));
  constexpr std::uint16_t what
    = XCB_XKB_EVENT_TYPE_NEW_KEYBOARD_NOTIFY | XCB_XKB_EVENT_TYPE_MAP_NOTIFY;
  constexpr std::uint16_t parts = XCB_XKB_MAP_PART_KEY_TYPES | XCB_XKB_MAP_PART_KEY_SYMS
                                  | XCB_XKB_MAP_PART_MODIFIER_MAP | XCB_XKB_MAP_PART_VIRTUAL_MODS;
  constexpr std::uint16_t details = XCB_XKB_NKN_DETAIL_KEYCODES;
  xcb_xkb_select_events_details_t how{};
  how.affectNewKeyboard = details;
  how.newKeyboardDetails = details;
  xcb_xkb_select_events_aux(x.raw(), XCB_XKB_ID_USE_CORE_KBD, what, 0, 0, parts, parts, &how);
  x.flush();
}

keymap::~keymap() {
  xkb_keymap_unref(map_);
  xkb_context_unref(context_);
}

result<void> keymap::reload() {
  auto device = xkb_x11_get_core_keyboard_device_id(x_.raw());
  if (device < 0 || context_ == nullptr)
    return x_.failure("XkbGetDeviceInfo");
  auto* fresh
    = xkb_x11_keymap_new_from_device(context_, x_.raw(), device, XKB_KEYMAP_COMPILE_NO_FLAGS);
  if (fresh == nullptr)
    return x_.failure("XkbGetMap");
  xkb_keymap_unref(map_);
  map_ = fresh;
  return {};
}

bool keymap::is_event(const xcb_generic_event_t& event) const noexcept {
  auto type = event.response_type & 0x7f;
  if (type == XCB_MAPPING_NOTIFY) {
    const auto& mapping = reinterpret_cast<const xcb_mapping_notify_event_t&>(event);
    return mapping.request != XCB_MAPPING_POINTER;
  }
  if (x_.events().xkb == 0 || type != x_.events().xkb)
    return false;
  auto kind = event.pad0; // xkbType
  return kind == XCB_XKB_NEW_KEYBOARD_NOTIFY || kind == XCB_XKB_MAP_NOTIFY;
}

result<modifier_state> keymap::modifiers() const {
  xcb_ptr<xcb_xkb_get_state_reply_t> reply{xcb_xkb_get_state_reply(
    x_.raw(), xcb_xkb_get_state(x_.raw(), XCB_XKB_ID_USE_CORE_KBD), nullptr)};
  if (!reply)
    return x_.failure("XkbGetState");
  modifier_state s;
  s.base = reply->baseMods;
  s.latched = reply->latchedMods;
  s.locked = reply->lockedMods;
  s.base_group = reply->baseGroup;
  s.latched_group = reply->latchedGroup;
  s.locked_group = reply->lockedGroup;
  return s;
}

std::optional<key_choice> keymap::find(keysym sym, const modifier_state& now,
                                       const std::vector<keycode>& except) const {
  if (map_ == nullptr)
    return {};
  auto shift = shift_keys();
  auto level3 = level3_keys();
  unsigned level3_mask = level3.empty() ? 0 : mask_of(map_, level3.front());
  bool locked = (now.locked & lock_mask) != 0;
  struct way {
    bool flip_shift, flip_level3, clear_lock;
  };
  constexpr way ways[]
    = {{false, false, false}, {true, false, false}, {false, true, false}, {true, true, false},
       {false, false, true},  {true, false, true},  {false, true, true},  {true, true, true}};
  for (const auto& w : ways) {
    if ((w.flip_shift && shift.empty()) || (w.flip_level3 && level3_mask == 0)
        || (w.clear_lock && !locked))
      continue;
    unsigned base = now.base;
    if (w.flip_shift)
      base ^= shift_mask;
    if (w.flip_level3)
      base = (base & level3_mask) != 0 ? base & ~level3_mask : base | level3_mask;
    unsigned lock = w.clear_lock ? now.locked & ~unsigned{lock_mask} : unsigned{now.locked};
    auto state = state_with(map_, now, base, lock);
    for (unsigned code = first_key; code <= last_key; ++code) {
      if (canonical(xkb_state_key_get_one_sym(state.get(), code)) != sym)
        continue;
      if (std::find(except.begin(), except.end(), code) != except.end())
        continue;
      key_choice choice{static_cast<keycode>(code), {}};
      if (w.flip_shift)
        choice.change.shift = (base & shift_mask) != 0;
      if (w.flip_level3)
        choice.change.level3 = (base & level3_mask) != 0;
      choice.change.clear_lock = w.clear_lock;
      return choice;
    }
  }
  return {};
}

std::vector<keycode> keymap::keys_with(std::initializer_list<keysym> syms) const {
  std::vector<keycode> keys;
  for (auto sym : syms)
    for (unsigned code = first_key; map_ != nullptr && code <= last_key; ++code)
      if (base_symbol(static_cast<keycode>(code)) == sym)
        keys.push_back(static_cast<keycode>(code));
  return keys;
}

std::optional<keycode> keymap::key_of(keysym sym) const {
  if (auto plain = keys_with({sym}); !plain.empty())
    return plain.front();
  for (unsigned code = first_key; map_ != nullptr && code <= last_key; ++code) {
    auto levels = xkb_keymap_num_levels_for_key(map_, code, 0);
    for (unsigned level = 0; level < levels; ++level) {
      const xkb_keysym_t* syms = nullptr;
      if (xkb_keymap_key_get_syms_by_level(map_, code, 0, level, &syms) == 1 && syms[0] == sym)
        return static_cast<keycode>(code);
    }
  }
  return {};
}

std::vector<keycode> keymap::unused() const {
  std::vector<keycode> keys;
  if (map_ == nullptr)
    return keys;
  auto low = std::max<unsigned>(xkb_keymap_min_keycode(map_), first_key);
  // Beyond what the layout names the server still has keycodes, all empty.
  for (unsigned code = low; code <= last_key; ++code) {
    bool empty = true;
    for (unsigned group = 0; group < xkb_keymap_num_layouts_for_key(map_, code); ++group)
      for (unsigned level = 0; level < xkb_keymap_num_levels_for_key(map_, code, group); ++level) {
        const xkb_keysym_t* syms = nullptr;
        if (xkb_keymap_key_get_syms_by_level(map_, code, group, level, &syms) > 0)
          empty = false;
      }
    if (empty)
      keys.push_back(static_cast<keycode>(code));
  }
  return keys;
}

keysym keymap::symbol(keycode code, const modifier_state& now) const {
  if (map_ == nullptr)
    return 0;
  auto state = state_with(map_, now, now.base, now.locked);
  return canonical(xkb_state_key_get_one_sym(state.get(), code));
}

unsigned keymap::modifies(keycode code) const {
  return map_ == nullptr ? 0 : mask_of(map_, code);
}

keysym keymap::base_symbol(keycode code) const {
  const xkb_keysym_t* syms = nullptr;
  if (map_ == nullptr || xkb_keymap_key_get_syms_by_level(map_, code, 0, 0, &syms) < 1)
    return 0;
  return canonical(syms[0]);
}

std::vector<keycode> keymap::shift_keys() const {
  return keys_with({XKB_KEY_Shift_L, XKB_KEY_Shift_R});
}

std::vector<keycode> keymap::level3_keys() const {
  return keys_with({XKB_KEY_ISO_Level3_Shift});
}

} // namespace holt::desktop
