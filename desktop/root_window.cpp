// SPDX-License-Identifier: Apache-2.0
#include "desktop/root_window.hpp"

#include <xcb/xcb.h>

#include <string>

namespace holt::desktop {

namespace {

struct colour {
  unsigned red, green, blue; ///< 0 to 255
};

constexpr colour top{0x24, 0x3b, 0x55};
constexpr colour bottom{0x0e, 0x15, 0x20};
constexpr unsigned steps = 128;

std::uint32_t mix(unsigned step) {
  auto part = [step](unsigned from, unsigned to) {
    return (from * (steps - 1 - step) + to * step) / (steps - 1);
  };
  return part(top.red, bottom.red) << 16 | part(top.green, bottom.green) << 8
         | part(top.blue, bottom.blue);
}

/// Waits until the server has done everything; the first failure becomes the answer.
result<void> check(connection& x, xcb_void_cookie_t cookie, const char* what) {
  xcb_ptr<xcb_generic_error_t> fault{xcb_request_check(x.raw(), cookie)};
  if (fault || x.lost())
    return x.failure(what);
  return {};
}

} // namespace

result<void> paint_background(connection& x) {
  auto size = x.root_size();
  if (!size)
    return size.error();
  auto* raw = x.raw();
  auto width = static_cast<std::uint16_t>(size->width);
  auto height = static_cast<std::uint16_t>(size->height);
  auto pixmap = xcb_generate_id(raw);
  auto gc = xcb_generate_id(raw);
  xcb_create_pixmap(raw, x.root_depth(), pixmap, x.root(), width, height);
  xcb_create_gc(raw, gc, pixmap, 0, nullptr);
  for (unsigned i = 0; i < steps; ++i) {
    auto from = height * i / steps;
    auto to = height * (i + 1) / steps;
    if (from == to)
      continue;
    auto pixel = mix(i);
    xcb_change_gc(raw, gc, XCB_GC_FOREGROUND, &pixel);
    xcb_rectangle_t band{0, static_cast<std::int16_t>(from), width,
                         static_cast<std::uint16_t>(to - from)};
    xcb_poly_fill_rectangle(raw, pixmap, gc, 1, &band);
  }
  xcb_change_window_attributes(raw, x.root(), XCB_CW_BACK_PIXMAP, &pixmap);
  auto done = xcb_clear_area_checked(raw, 0, x.root(), 0, 0, 0, 0);
  xcb_free_gc(raw, gc);
  xcb_free_pixmap(raw, pixmap); // the window keeps it
  return check(x, done, "painting the background");
}

result<void> set_root_pointer(connection& x) {
  constexpr std::uint16_t left_ptr = 68; // of the X cursor font; its mask is the next glyph
  auto* raw = x.raw();
  auto font = xcb_generate_id(raw);
  auto cursor = xcb_generate_id(raw);
  const std::string name = "cursor";
  xcb_open_font(raw, font, static_cast<std::uint16_t>(name.size()), name.data());
  xcb_create_glyph_cursor(raw, cursor, font, font, left_ptr, left_ptr + 1, 0, 0, 0, 0xffff, 0xffff,
                          0xffff);
  auto done = xcb_change_window_attributes_checked(raw, x.root(), XCB_CW_CURSOR, &cursor);
  xcb_free_cursor(raw, cursor);
  xcb_close_font(raw, font);
  return check(x, done, "setting the pointer");
}

result<void> set_dpi(connection& x, unsigned dpi) {
  auto text = "Xft.dpi:\t" + std::to_string(dpi) + "\nXft.antialias:\t1\nXft.hinting:\t1\n";
  auto done = xcb_change_property_checked(x.raw(), XCB_PROP_MODE_REPLACE, x.root(),
                                          XCB_ATOM_RESOURCE_MANAGER, XCB_ATOM_STRING, 8,
                                          static_cast<std::uint32_t>(text.size()), text.data());
  return check(x, done, "setting the resolution");
}

result<bool> has_window_manager(connection& x) {
  auto atom = x.atom("_NET_SUPPORTING_WM_CHECK");
  if (!atom)
    return atom.error();
  auto cookie = xcb_get_property(x.raw(), 0, x.root(), *atom, XCB_ATOM_WINDOW, 0, 1);
  xcb_ptr<xcb_get_property_reply_t> got{xcb_get_property_reply(x.raw(), cookie, nullptr)};
  if (!got)
    return x.failure("looking for the window manager");
  if (xcb_get_property_value_length(got.get()) != 4)
    return false;
  // The window that it names must still exist: a killed window manager leaves the name behind.
  auto window = *static_cast<xcb_window_t*>(xcb_get_property_value(got.get()));
  auto again = xcb_get_property(x.raw(), 0, window, *atom, XCB_ATOM_WINDOW, 0, 1);
  xcb_ptr<xcb_get_property_reply_t> own{xcb_get_property_reply(x.raw(), again, nullptr)};
  return own && xcb_get_property_value_length(own.get()) == 4;
}

} // namespace holt::desktop
