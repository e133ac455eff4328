// SPDX-License-Identifier: Apache-2.0
#include "desktop/key_names.hpp"

#include "messages/text_bytes.hpp"

#include <xkbcommon/xkbcommon-keysyms.h>
#include <xkbcommon/xkbcommon.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace holt::desktop {

namespace {

struct named {
  std::string_view name;
  keysym sym;
};

/// Names that differ from X's, in lower case.
constexpr std::array dom_names{
  named{"enter", XKB_KEY_Return},
  named{"return", XKB_KEY_Return},
  named{"esc", XKB_KEY_Escape},
  named{"escape", XKB_KEY_Escape},
  named{"backspace", XKB_KEY_BackSpace},
  named{"tab", XKB_KEY_Tab},
  named{"space", XKB_KEY_space},
  named{"spacebar", XKB_KEY_space},
  named{"del", XKB_KEY_Delete},
  named{"delete", XKB_KEY_Delete},
  named{"ins", XKB_KEY_Insert},
  named{"insert", XKB_KEY_Insert},
  named{"home", XKB_KEY_Home},
  named{"end", XKB_KEY_End},
  named{"pageup", XKB_KEY_Page_Up},
  named{"pagedown", XKB_KEY_Page_Down},
  named{"page_up", XKB_KEY_Page_Up},
  named{"page_down", XKB_KEY_Page_Down},
  named{"arrowleft", XKB_KEY_Left},
  named{"arrowright", XKB_KEY_Right},
  named{"arrowup", XKB_KEY_Up},
  named{"arrowdown", XKB_KEY_Down},
  named{"left", XKB_KEY_Left},
  named{"right", XKB_KEY_Right},
  named{"up", XKB_KEY_Up},
  named{"down", XKB_KEY_Down},
  named{"capslock", XKB_KEY_Caps_Lock},
  named{"numlock", XKB_KEY_Num_Lock},
  named{"scrolllock", XKB_KEY_Scroll_Lock},
  named{"printscreen", XKB_KEY_Print},
  named{"contextmenu", XKB_KEY_Menu},
  named{"pause", XKB_KEY_Pause},
  named{"help", XKB_KEY_Help},
  named{"clear", XKB_KEY_Clear},
  named{"shiftleft", XKB_KEY_Shift_L},
  named{"shiftright", XKB_KEY_Shift_R},
  named{"controlleft", XKB_KEY_Control_L},
  named{"controlright", XKB_KEY_Control_R},
  named{"altleft", XKB_KEY_Alt_L},
  named{"altright", XKB_KEY_Alt_R},
  named{"metaleft", XKB_KEY_Super_L},
  named{"metaright", XKB_KEY_Super_R},
  named{"plus", XKB_KEY_plus},
  named{"minus", XKB_KEY_minus},
  named{"audiovolumeup", XKB_KEY_XF86AudioRaiseVolume},
  named{"audiovolumedown", XKB_KEY_XF86AudioLowerVolume},
  named{"audiovolumemute", XKB_KEY_XF86AudioMute},
  named{"mediaplaypause", XKB_KEY_XF86AudioPlay},
  named{"mediastop", XKB_KEY_XF86AudioStop},
  named{"mediatracknext", XKB_KEY_XF86AudioNext},
  named{"mediatrackprevious", XKB_KEY_XF86AudioPrev},
  named{"browserback", XKB_KEY_XF86Back},
  named{"browserforward", XKB_KEY_XF86Forward},
  named{"browserrefresh", XKB_KEY_XF86Refresh},
};

constexpr std::array modifier_names{
  named{"ctrl", XKB_KEY_Control_L},         named{"control", XKB_KEY_Control_L},
  named{"shift", XKB_KEY_Shift_L},          named{"alt", XKB_KEY_Alt_L},
  named{"option", XKB_KEY_Alt_L},           named{"cmd", XKB_KEY_Super_L},
  named{"command", XKB_KEY_Super_L},        named{"meta", XKB_KEY_Super_L},
  named{"super", XKB_KEY_Super_L},          named{"win", XKB_KEY_Super_L},
  named{"altgr", XKB_KEY_ISO_Level3_Shift}, named{"altgraph", XKB_KEY_ISO_Level3_Shift},
};

constexpr std::size_t longest_name = 64;
constexpr std::size_t most_parts = 8;

template <std::size_t N>
std::optional<keysym> look_up(const std::array<named, N>& table, std::string_view name) {
  auto wanted = lower(name);
  auto found = std::find_if(table.begin(), table.end(),
                            [&](const named& one) { return one.name == wanted; });
  if (found == table.end())
    return {};
  return found->sym;
}

/// Takes one character off `rest`; nothing when it is not UTF-8.
std::optional<char32_t> next_character(std::string_view& rest) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
  auto lead = byte(0);
  std::size_t size = lead < 0x80       ? 1
                     : lead >> 5 == 6  ? 2
                     : lead >> 4 == 14 ? 3
                     : lead >> 3 == 30 ? 4
                                       : 0;
  if (size == 0 || size > rest.size())
    return {};
  char32_t value = size == 1 ? lead : lead & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if (byte(i) >> 6 != 2)
      return {};
    value = value << 6 | (byte(i) & 0x3f);
  }
  constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < smallest[size] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
    return {};
  rest.remove_prefix(size);
  return value;
}

std::optional<keysym> of_character(char32_t c) {
  if (c == U'\n' || c == U'\r')
    return XKB_KEY_Return;
  if (c == U'\t')
    return XKB_KEY_Tab;
  if (c < 0x20 || (c >= 0x7f && c < 0xa0))
    return {};
  auto sym = canonical(xkb_utf32_to_keysym(c));
  if (sym == 0)
    return {};
  return sym;
}

error unknown(std::string_view name) {
  return {errc::desktop_invalid_action, "there is no key '" + std::string{name} + "'"};
}

} // namespace

std::optional<keysym> keysym_of(std::string_view name) {
  if (name.empty() || name.size() > longest_name)
    return {};
  auto rest = name;
  if (auto c = next_character(rest); c && rest.empty())
    return of_character(*c);
  if (auto known = look_up(dom_names, name))
    return known;
  if (auto modifier = look_up(modifier_names, name))
    return modifier;
  if (name.find('\0') != std::string_view::npos)
    return {};
  auto sym = canonical(xkb_keysym_from_name(std::string{name}.c_str(), XKB_KEYSYM_NO_FLAGS));
  if (sym == 0)
    sym = canonical(xkb_keysym_from_name(std::string{name}.c_str(), XKB_KEYSYM_CASE_INSENSITIVE));
  if (sym == 0)
    return {};
  return sym;
}

std::optional<keysym> modifier_of(std::string_view name) {
  return look_up(modifier_names, name);
}

result<key_chord> read_chord(std::string_view text) {
  key_chord out;
  auto rest = text;
  // A lone plus, or one at the end, is the key itself.
  for (auto plus = rest.find('+');
       plus != std::string_view::npos && plus > 0 && plus + 1 < rest.size();
       plus = rest.find('+')) {
    auto name = rest.substr(0, plus);
    auto modifier = modifier_of(name);
    if (!modifier)
      if (auto key = keysym_of(name); key && is_modifier(*key))
        modifier = key;
    if (!modifier)
      return error{errc::desktop_invalid_action,
                   "'" + std::string{name} + "' in '" + std::string{text} + "' is no modifier"};
    if (out.modifiers.size() == most_parts)
      return error{errc::desktop_invalid_action, "too many keys at once"};
    out.modifiers.push_back(*modifier);
    rest.remove_prefix(plus + 1);
  }
  auto sym = keysym_of(rest);
  if (!sym)
    return unknown(rest.empty() ? text : rest);
  out.sym = *sym;
  return out;
}

result<std::vector<keysym>> keysyms_of_text(std::string_view text) {
  std::vector<keysym> out;
  out.reserve(text.size());
  for (auto rest = text; !rest.empty();) {
    if (rest.size() > 1 && rest[0] == '\r' && rest[1] == '\n')
      rest.remove_prefix(1);
    auto c = next_character(rest);
    if (!c)
      return error{errc::desktop_invalid_action, "text is not UTF-8"};
    auto sym = of_character(*c);
    if (!sym) {
      char name[16];
      std::snprintf(name, sizeof name, "U+%04X", static_cast<unsigned>(*c));
      return error{errc::desktop_invalid_action,
                   std::string{"text: no key types "} + name + "; use keyboard/press for keys"};
    }
    out.push_back(*sym);
  }
  return out;
}

} // namespace holt::desktop
