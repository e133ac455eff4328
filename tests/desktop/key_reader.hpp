// SPDX-License-Identifier: Apache-2.0
#pragma once

// A window with the keyboard focus that reads keys as a toolkit does: xkbcommon with the server's
// layout, read anew when the server says so. Header only, for tests.

#include "desktop/connection.hpp"
#include "desktop/keymap.hpp"

#include <xkbcommon/xkbcommon-x11.h>

#include <chrono>
#include <string>

#include <poll.h>

namespace holt::test {

class key_reader {
public:
  explicit key_reader(const std::string& display)
    : x_(std::move(*desktop::connection::open({display, {}}))),
      watch_(*x_),
      context_(xkb_context_new(XKB_CONTEXT_NO_FLAGS)) {
    auto* c = x_->raw();
    window_ = xcb_generate_id(c);
    const std::uint32_t values[]
      = {1, XCB_EVENT_MASK_KEY_PRESS | XCB_EVENT_MASK_KEY_RELEASE | XCB_EVENT_MASK_BUTTON_PRESS
              | XCB_EVENT_MASK_BUTTON_RELEASE | XCB_EVENT_MASK_FOCUS_CHANGE};
    xcb_create_window(c, 0, window_, x_->root(), 0, 0, 400, 400, 0, XCB_WINDOW_CLASS_INPUT_OUTPUT,
                      x_->root_visual(), XCB_CW_OVERRIDE_REDIRECT | XCB_CW_EVENT_MASK, values);
    xcb_map_window(c, window_);
    static_cast<void>(x_->ping());
    xcb_set_input_focus(c, XCB_INPUT_FOCUS_NONE, window_, XCB_CURRENT_TIME);
    static_cast<void>(x_->ping());
    reload();
  }
  ~key_reader() {
    xkb_keymap_unref(map_);
    xkb_context_unref(context_);
  }
  key_reader(const key_reader&) = delete;
  key_reader& operator=(const key_reader&) = delete;

  struct stroke {
    desktop::keysym sym = 0;
    std::uint16_t state = 0; ///< modifiers before the key
    desktop::keycode code = 0;
  };

  /// Takes events until `count` keys that are no modifiers were pressed; their text. 20 s at most.
  std::string text(std::size_t count) {
    std::string out;
    strokes.clear();
    while (strokes.size() < count) {
      auto event = next();
      if (!event)
        return out + "<timeout>";
      take(*event, out);
    }
    return out;
  }

  /// What is still in the queue after everything sent before has arrived.
  std::string rest() {
    std::string out;
    strokes.clear();
    static_cast<void>(x_->ping());
    while (auto event = x_->next_event())
      take(*event, out);
    return out;
  }

  std::vector<stroke> strokes;
  std::vector<int> buttons; ///< pressed positive, released negative
  int pressed = 0;          ///< keys down now, modifiers too

private:
  void reload() {
    auto device = xkb_x11_get_core_keyboard_device_id(x_->raw());
    xkb_keymap_unref(map_);
    map_ = xkb_x11_keymap_new_from_device(context_, x_->raw(), device, XKB_KEYMAP_COMPILE_NO_FLAGS);
  }

  desktop::event_ptr next() {
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (std::chrono::steady_clock::now() < until) {
      if (auto event = x_->next_event())
        return event;
      pollfd p{x_->fd(), POLLIN, 0};
      ::poll(&p, 1, 100);
    }
    return {};
  }

  void take(const xcb_generic_event_t& event, std::string& out) {
    auto type = event.response_type & 0x7f;
    if (watch_.is_event(event)) {
      reload();
    } else if (type == XCB_KEY_RELEASE) {
      --pressed;
    } else if (type == XCB_KEY_PRESS) {
      ++pressed;
      const auto& key = reinterpret_cast<const xcb_key_press_event_t&>(event);
      auto* state = xkb_state_new(map_);
      auto mods = key.state & 0xffu;
      xkb_state_update_mask(state, mods & ~2u, 0, mods & 2u, 0, 0, (key.state >> 13) & 3u);
      auto sym = xkb_state_key_get_one_sym(state, key.detail);
      if (!desktop::is_modifier(sym)) {
        char utf8[16] = {};
        // Control would turn letters into control characters: the keysym says what is meant.
        xkb_keysym_to_utf8(sym, utf8, sizeof utf8);
        out += utf8;
        strokes.push_back({sym, key.state, key.detail});
      }
      xkb_state_unref(state);
    } else if (type == XCB_BUTTON_PRESS) {
      buttons.push_back(event.pad0);
    } else if (type == XCB_BUTTON_RELEASE) {
      buttons.push_back(-event.pad0);
    }
  }

  std::unique_ptr<desktop::connection> x_;
  desktop::keymap watch_;
  xkb_context* context_;
  xkb_keymap* map_ = nullptr;
  xcb_window_t window_ = 0;
};

} // namespace holt::test
