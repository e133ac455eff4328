// SPDX-License-Identifier: Apache-2.0
#include "desktop/manager_barrier.hpp"

#include "desktop/manager_message.hpp"

#include <algorithm>

namespace holt::desktop {

namespace {

constexpr std::uint32_t most_atoms = 1024;

xcb_ptr<xcb_get_property_reply_t> property_of(connection& x, xcb_window_t window, xcb_atom_t name,
                                              std::uint32_t words) {
  return xcb_ptr<xcb_get_property_reply_t>{xcb_get_property_reply(
    x.raw(), xcb_get_property(x.raw(), 0, window, name, XCB_GET_PROPERTY_TYPE_ANY, 0, words),
    nullptr)};
}

bool supports(connection& x, xcb_atom_t supported, xcb_atom_t what) {
  auto reply = property_of(x, x.root(), supported, most_atoms);
  if (!reply || reply->format != 32)
    return false;
  const auto* atoms = static_cast<const xcb_atom_t*>(xcb_get_property_value(reply.get()));
  return std::find(atoms, atoms + reply->value_len, what) != atoms + reply->value_len;
}

} // namespace

manager_barrier::manager_barrier(connection& x) : x_(x) {
  auto supported = x.atom("_NET_SUPPORTED");
  auto question = x.atom("_NET_REQUEST_FRAME_EXTENTS");
  auto extents = x.atom("_NET_FRAME_EXTENTS");
  if (!supported || !question || !extents || !supports(x, *supported, *question))
    return;
  known_ = true;
  extents_ = *extents;
  auto* c = x.raw();
  asked_about_ = xcb_generate_id(c);
  xcb_create_window(c, XCB_COPY_FROM_PARENT, asked_about_, x.root(), 0, 0, 1, 1, 0,
                    XCB_WINDOW_CLASS_INPUT_OUTPUT, XCB_COPY_FROM_PARENT, 0, nullptr);
  tell_manager(x, asked_about_, *question);
  x.flush();
}

manager_barrier::~manager_barrier() {
  forget();
}

bool manager_barrier::passed() {
  if (asked_about_ == XCB_NONE)
    return true;
  auto reply = property_of(x_, asked_about_, extents_, 4);
  if (reply && reply->type == XCB_NONE)
    return false;
  forget();
  return true;
}

void manager_barrier::forget() {
  if (asked_about_ == XCB_NONE)
    return;
  xcb_destroy_window(x_.raw(), asked_about_);
  x_.flush();
  asked_about_ = XCB_NONE;
}

} // namespace holt::desktop
