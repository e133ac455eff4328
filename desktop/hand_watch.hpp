// SPDX-License-Identifier: Apache-2.0
#pragma once

// What other hands do on the desktop: clicks, wheel and keys that did not come from our own `input`
// (XInput raw events, which no grab hides). Where the X server has no XInput 2.1 nothing is heard.
// A part of the workbench, on the X thread; never waits for anybody, keeps nothing.

#include "desktop/acts.hpp"
#include "desktop/input.hpp"
#include "desktop/windows.hpp"

#include <deque>
#include <functional>
#include <map>
#include <string>

namespace holt::desktop {

enum class hand_move : std::uint8_t { button_down, button_up, key, focus };

struct hand_event {
  hand_move what = hand_move::key;
  unsigned button = 0; ///< 4 to 7 are the wheel
  point at;
  std::string text;        ///< of a key that writes; empty for others
  std::string key;         ///< of others: "Return", "ctrl+c"
  xcb_window_t window = 0; ///< under the pointer, or with the keyboard
  std::string title;
  std::string app;
};

class hand_watch {
public:
  using clock = std::chrono::steady_clock;
  using listener = std::function<void(const hand_event&)>;

  hand_watch(connection& x, input& hands, windows& tops);
  ~hand_watch();
  hand_watch(const hand_watch&) = delete;
  hand_watch& operator=(const hand_watch&) = delete;

  void on_hand(listener what) { listener_ = std::move(what); }

  /// Feed every event of the connection.
  void on_event(const xcb_generic_event_t& event);

private:
  bool is_own(std::uint8_t type, std::uint32_t detail);
  void button(std::uint32_t number, bool down);
  void key(std::uint32_t code, bool down);
  void note_focus();

  connection& x_;
  input& hands_;
  windows& tops_;
  listener listener_;
  std::uint8_t opcode_ = 0; ///< of XInput; 0: nothing is heard
  /// What our own hands did and has not come back yet.
  std::map<std::uint16_t, std::deque<clock::time_point>> expected_;
  std::map<std::uint32_t, unsigned> modifiers_; ///< keys that others hold, and their masks
  xcb_window_t focused_ = 0;
  clock::time_point focus_seen_{};
};

} // namespace holt::desktop
