// SPDX-License-Identifier: Apache-2.0
#include "desktop/screen.hpp"

#include "desktop/modes.hpp"

#include <cstring>

namespace holt::desktop {

screen::screen(connection& x) : x_(x), capture_(x), damage_(x) {
  watch_modes(x);
}

void screen::on_event(const xcb_generic_event_t& event) {
  if (damage_.is_news(event)) {
    dirty_ = true;
    if (watchers_ > 0)
      static_cast<void>(frame());
  } else if (is_mode_event(x_, event)) {
    size_stale_ = true;
    changed();
  }
}

void screen::changed() {
  ++frame_;
  last_change_ = clock::now();
}

result<screen_size> screen::size() {
  if (size_stale_) {
    auto now = x_.root_size();
    if (!now)
      return now;
    size_ = *now;
    size_stale_ = false;
  }
  return size_;
}

result<std::uint64_t> screen::frame() {
  auto box = damage_.take();
  if (!box)
    return box.error();
  if (!box->empty() || dirty_)
    changed();
  dirty_ = false;
  return frame_;
}

result<shot> screen::take(rectangle area, bool with_cursor, const std::function<void()>& pump) {
  auto number = frame();
  if (!number)
    return number.error();
  auto pixels = capture_.grab(area);
  if (!pixels)
    return pixels.error();
  shot out;
  out.area = area;
  out.pixels.assign(pixels->data, pixels->data + pixels->stride * pixels->height);
  if (with_cursor) {
    auto cursor = read_drawn_cursor(x_);
    if (!cursor)
      return cursor.error();
    out.cursor = std::move(*cursor);
  }
  // What was painted between the number and the picture was told before the picture came.
  pump();
  if (dirty_)
    changed();
  out.frame = frame_;
  return out;
}

} // namespace holt::desktop
