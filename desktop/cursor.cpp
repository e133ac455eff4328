// SPDX-License-Identifier: Apache-2.0
#include "desktop/cursor.hpp"

#include "desktop/screenshot.hpp"

#include <xcb/xfixes.h>

namespace holt::desktop {

void watch_cursor(connection& x) {
  xcb_xfixes_select_cursor_input(x.raw(), x.root(), XCB_XFIXES_CURSOR_NOTIFY_MASK_DISPLAY_CURSOR);
  x.flush();
}

bool is_cursor_event(const connection& x, const xcb_generic_event_t& event) noexcept {
  return (event.response_type & 0x7f) == x.events().xfixes + XCB_XFIXES_CURSOR_NOTIFY;
}

result<cursor_image> read_cursor(connection& x) {
  xcb_ptr<xcb_xfixes_get_cursor_image_reply_t> reply{
    xcb_xfixes_get_cursor_image_reply(x.raw(), xcb_xfixes_get_cursor_image(x.raw()), nullptr)};
  if (!reply)
    return x.failure("GetCursorImage");
  cursor_image image;
  image.width = reply->width;
  image.height = reply->height;
  image.hot_x = reply->xhot;
  image.hot_y = reply->yhot;
  image.serial = reply->cursor_serial;
  const auto* pixels = xcb_xfixes_get_cursor_image_cursor_image(reply.get());
  auto count = std::size_t{reply->width} * reply->height;
  if (static_cast<std::size_t>(xcb_xfixes_get_cursor_image_cursor_image_length(reply.get()))
      < count)
    return error{errc::io, "X11: short cursor image"};
  std::vector<std::uint8_t> rgba(count * 4);
  for (std::size_t i = 0; i < count; ++i) {
    auto argb = pixels[i];
    auto alpha = argb >> 24;
    // X premultiplies, PNG does not.
    auto plain = [alpha](std::uint32_t c) {
      return static_cast<std::uint8_t>(alpha == 0 ? 0
                                                  : std::min(255u, (c * 255 + alpha / 2) / alpha));
    };
    rgba[i * 4] = plain((argb >> 16) & 0xff);
    rgba[i * 4 + 1] = plain((argb >> 8) & 0xff);
    rgba[i * 4 + 2] = plain(argb & 0xff);
    rgba[i * 4 + 3] = static_cast<std::uint8_t>(alpha);
  }
  auto png = encode_png_rgba(rgba.data(), image.width, image.height);
  if (!png)
    return png.error();
  image.png = std::move(*png);
  return image;
}

result<drawn_cursor> read_drawn_cursor(connection& x) {
  xcb_ptr<xcb_xfixes_get_cursor_image_reply_t> reply{
    xcb_xfixes_get_cursor_image_reply(x.raw(), xcb_xfixes_get_cursor_image(x.raw()), nullptr)};
  if (!reply)
    return x.failure("GetCursorImage");
  drawn_cursor out;
  out.x = reply->x - reply->xhot;
  out.y = reply->y - reply->yhot;
  out.width = reply->width;
  out.height = reply->height;
  out.serial = reply->cursor_serial;
  auto count = std::size_t{out.width} * out.height;
  auto length = xcb_xfixes_get_cursor_image_cursor_image_length(reply.get());
  if (length < 0 || static_cast<std::size_t>(length) < count)
    return error{errc::io, "X11: short cursor image"};
  const auto* pixels = xcb_xfixes_get_cursor_image_cursor_image(reply.get());
  out.argb.assign(pixels, pixels + count);
  return out;
}

result<pointer_position> read_pointer(connection& x) {
  xcb_ptr<xcb_query_pointer_reply_t> reply{
    xcb_query_pointer_reply(x.raw(), xcb_query_pointer(x.raw(), x.root()), nullptr)};
  if (!reply)
    return x.failure("QueryPointer");
  return pointer_position{reply->root_x, reply->root_y};
}

} // namespace holt::desktop
