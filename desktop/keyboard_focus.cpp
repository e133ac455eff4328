// SPDX-License-Identifier: Apache-2.0
#include "desktop/keyboard_focus.hpp"

namespace holt::desktop {

namespace {

constexpr int deepest = 8;

} // namespace

bool has_keyboard(connection& x, xcb_window_t window) {
  auto* c = x.raw();
  xcb_ptr<xcb_get_input_focus_reply_t> focus{
    xcb_get_input_focus_reply(c, xcb_get_input_focus(c), nullptr)};
  auto at = focus ? focus->focus : xcb_window_t{XCB_NONE};
  for (int depth = 0; at > XCB_INPUT_FOCUS_POINTER_ROOT && at != x.root() && depth < deepest;
       ++depth) {
    if (at == window)
      return true;
    xcb_ptr<xcb_query_tree_reply_t> above{xcb_query_tree_reply(c, xcb_query_tree(c, at), nullptr)};
    at = above ? above->parent : xcb_window_t{XCB_NONE};
  }
  return false;
}

void give_keyboard(connection& x, xcb_window_t window) {
  xcb_set_input_focus(x.raw(), XCB_INPUT_FOCUS_POINTER_ROOT, window, XCB_CURRENT_TIME);
  x.flush();
}

} // namespace holt::desktop
