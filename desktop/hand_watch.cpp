// SPDX-License-Identifier: Apache-2.0
#include "desktop/hand_watch.hpp"

#include <xcb/xinput.h>
#include <xkbcommon/xkbcommon.h>

#include <array>
#include <cstdio>

namespace holt::desktop {

using namespace std::chrono_literals;

namespace {

constexpr auto echo_limit = 2s; ///< an act of ours that has no echo by then has none
constexpr auto focus_rest = 200ms;
constexpr std::size_t max_name = 64;

std::uint16_t slot(std::uint8_t type, std::uint32_t detail) {
  return static_cast<std::uint16_t>(type << 8 | (detail & 0xff));
}

std::string text_of(keysym sym) {
  std::array<char, 8> bytes{};
  auto size = xkb_keysym_to_utf8(sym, bytes.data(), bytes.size());
  if (size <= 1 || static_cast<unsigned char>(bytes[0]) < 0x20 || bytes[0] == 0x7f)
    return {};
  return {bytes.data(), static_cast<std::size_t>(size - 1)};
}

std::string name_of(keysym sym) {
  std::array<char, max_name> name{};
  return xkb_keysym_get_name(sym, name.data(), name.size()) > 0 ? name.data() : "unknown";
}

} // namespace

hand_watch::hand_watch(connection& x, input& hands, windows& tops)
  : x_(x), hands_(hands), tops_(tops) {
  const auto* there = xcb_get_extension_data(x.raw(), &xcb_input_id);
  if (there == nullptr || there->present == 0)
    return;
  xcb_ptr<xcb_input_xi_query_version_reply_t> version{
    xcb_input_xi_query_version_reply(x.raw(), xcb_input_xi_query_version(x.raw(), 2, 2), nullptr)};
  if (!version || version->major_version < 2)
    return;
  struct {
    xcb_input_event_mask_t head;
    std::uint32_t mask;
  } wanted{{XCB_INPUT_DEVICE_ALL_MASTER, 1},
           XCB_INPUT_XI_EVENT_MASK_RAW_BUTTON_PRESS | XCB_INPUT_XI_EVENT_MASK_RAW_BUTTON_RELEASE
             | XCB_INPUT_XI_EVENT_MASK_RAW_KEY_PRESS | XCB_INPUT_XI_EVENT_MASK_RAW_KEY_RELEASE};
  xcb_input_xi_select_events(x.raw(), x.root(), 1, &wanted.head);
  x.flush();
  opcode_ = there->major_opcode;
  hands_.on_fake([this](std::uint8_t type, std::uint8_t detail) {
    expected_[slot(type, detail)].push_back(clock::now());
  });
}

hand_watch::~hand_watch() {
  hands_.on_fake(nullptr);
}

bool hand_watch::is_own(std::uint8_t type, std::uint32_t detail) {
  auto i = expected_.find(slot(type, detail));
  if (i == expected_.end())
    return false;
  auto& times = i->second;
  auto old = clock::now() - echo_limit;
  while (!times.empty() && times.front() < old)
    times.pop_front();
  bool own = !times.empty();
  if (own)
    times.pop_front();
  if (times.empty())
    expected_.erase(i);
  return own;
}

void hand_watch::on_event(const xcb_generic_event_t& event) {
  if (opcode_ == 0 || (event.response_type & 0x7f) != XCB_GE_GENERIC)
    return;
  const auto& raw = reinterpret_cast<const xcb_input_raw_button_press_event_t&>(event);
  if (raw.extension != opcode_)
    return;
  // A raw event of a key has the same fields as one of a button.
  switch (raw.event_type) {
  case XCB_INPUT_RAW_BUTTON_PRESS:
    if (!is_own(XCB_BUTTON_PRESS, raw.detail))
      button(raw.detail, true);
    break;
  case XCB_INPUT_RAW_BUTTON_RELEASE:
    if (!is_own(XCB_BUTTON_RELEASE, raw.detail))
      button(raw.detail, false);
    break;
  case XCB_INPUT_RAW_KEY_PRESS:
    if (!is_own(XCB_KEY_PRESS, raw.detail))
      key(raw.detail, true);
    break;
  case XCB_INPUT_RAW_KEY_RELEASE:
    if (!is_own(XCB_KEY_RELEASE, raw.detail))
      key(raw.detail, false);
    break;
  default: break;
  }
}

void hand_watch::button(std::uint32_t number, bool down) {
  if (!listener_)
    return;
  auto where = tops_.pointer();
  if (!where)
    return;
  hand_event out;
  out.what = down ? hand_move::button_down : hand_move::button_up;
  out.button = number;
  out.at = {where->x, where->y};
  out.window = where->window;
  if (down && out.window != x_.root())
    if (auto found = tops_.find(out.window); found && *found) {
      out.title = (*found)->title;
      out.app = (*found)->app;
    }
  listener_(out);
}

void hand_watch::key(std::uint32_t code, bool down) {
  if (code > 255)
    return;
  auto which = static_cast<keycode>(code);
  if (!down) {
    modifiers_.erase(code);
    return;
  }
  unsigned held = 0;
  for (auto [other, mask] : modifiers_)
    held |= mask;
  auto meant = hands_.meaning(which, held);
  if (!meant || !listener_)
    return;
  if (meant->modifies != 0 || is_modifier(meant->sym)) {
    modifiers_[code] = meant->modifies;
    return;
  }
  note_focus();
  hand_event out;
  constexpr unsigned with_text = XCB_MOD_MASK_CONTROL | XCB_MOD_MASK_1 | XCB_MOD_MASK_4;
  out.text = (held & with_text) == 0 ? text_of(meant->sym) : std::string{};
  if (out.text.empty()) {
    for (auto [mask, word] : {std::pair{XCB_MOD_MASK_CONTROL, "ctrl+"},
                              {XCB_MOD_MASK_1, "alt+"},
                              {XCB_MOD_MASK_4, "super+"},
                              {XCB_MOD_MASK_SHIFT, "shift+"}})
      if ((held & static_cast<unsigned>(mask)) != 0)
        out.key += word;
    out.key += name_of(meant->base);
  }
  out.window = focused_;
  listener_(out);
}

/// Where the keyboard is, when it is somewhere else than at the last key.
void hand_watch::note_focus() {
  auto now = clock::now();
  if (now < focus_seen_ + focus_rest)
    return;
  focus_seen_ = now;
  auto top = tops_.focused();
  if (!top || !*top || (*top)->id == focused_)
    return;
  focused_ = (*top)->id;
  hand_event out;
  out.what = hand_move::focus;
  out.window = focused_;
  out.title = (*top)->title;
  out.app = (*top)->app;
  listener_(out);
}

} // namespace holt::desktop
