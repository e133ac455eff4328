// SPDX-License-Identifier: Apache-2.0
#pragma once

// The windows on the desktop, as the window manager (EWMH) lists them: what they are, where they
// are, and what can be asked of them. Docks and the background do not count. A window that goes
// away meanwhile is left out, never an error. Works on the thread of its connection; remembers only
// atoms.

#include "desktop/acts.hpp"
#include "desktop/connection.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holt::desktop {

struct frame_rectangle {
  int x = 0; ///< root coordinates; negative where it is partly outside
  int y = 0;
  unsigned width = 0;
  unsigned height = 0;
  friend bool operator==(const frame_rectangle&, const frame_rectangle&) = default;
};

struct window_info {
  xcb_window_t id = 0;
  std::string title;
  std::string app;       ///< class of WM_CLASS
  frame_rectangle inner; ///< what the program paints
  frame_rectangle outer; ///< with title bar and borders
  std::uint32_t pid = 0; ///< as the program says; 0: it does not
  bool active = false;
  bool minimised = false;
  bool maximised = false;
  friend bool operator==(const window_info&, const window_info&) = default;
};

enum class window_request : std::uint8_t { focus, close, minimise, maximise, restore };

/// Where the pointer is, and over what.
struct pointer_place {
  int x = 0;
  int y = 0;
  std::uint32_t window = 0; ///< the program's window, the root where there is none
};

class windows {
public:
  static result<std::unique_ptr<windows>> create(connection& x);

  /// In the order they were opened; two round trips.
  result<std::vector<window_info>> list();

  /// Nothing when there is no such window (any more).
  result<std::optional<window_info>> find(xcb_window_t id);

  /// The one with the keyboard, if any.
  result<std::optional<window_info>> focused();

  /// Asks the window manager; it may take its time, or refuse. Without one the X server is told.
  result<void> ask(xcb_window_t id, window_request what);
  result<void> move(xcb_window_t id, point outer_corner);
  result<void> resize(xcb_window_t id, unsigned inner_width, unsigned inner_height);

  result<pointer_place> pointer();

private:
  explicit windows(connection& x) : x_(x) {}
  struct pending;
  pending ask_about(xcb_window_t id) const;
  std::optional<window_info> gather(const pending& asked, xcb_window_t active) const;
  result<void> sent(const char* what);

  connection& x_;
  struct {
    xcb_atom_t client_list = 0, active = 0, name = 0, utf8 = 0, extents = 0, type = 0, dock = 0,
               desktop = 0, pid = 0, state = 0, hidden = 0, vertical = 0, horizontal = 0, close = 0,
               move_resize = 0, change_state = 0, managed = 0;
  } atoms_;
};

} // namespace holt::desktop
