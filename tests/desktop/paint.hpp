// SPDX-License-Identifier: Apache-2.0
#pragma once

// A client of its own that paints on the root window and changes the pointer. Header only, for
// tests.

#include "desktop/connection.hpp"

namespace holt::test {

class painter {
public:
  explicit painter(const std::string& display)
    : x_(std::move(*desktop::connection::open({display, {}}))), context_(xcb_generate_id(raw())) {
    const std::uint32_t values[] = {0, XCB_SUBWINDOW_MODE_INCLUDE_INFERIORS};
    xcb_create_gc(raw(), context_, x_->root(), XCB_GC_FOREGROUND | XCB_GC_SUBWINDOW_MODE, values);
  }

  /// `colour`: 0xRRGGBB. Returns when the server has done it.
  void fill(desktop::rectangle r, std::uint32_t colour) {
    xcb_change_gc(raw(), context_, XCB_GC_FOREGROUND, &colour);
    xcb_rectangle_t box{static_cast<std::int16_t>(r.x), static_cast<std::int16_t>(r.y),
                        static_cast<std::uint16_t>(r.width), static_cast<std::uint16_t>(r.height)};
    xcb_poly_fill_rectangle(raw(), x_->root(), context_, 1, &box);
    static_cast<void>(x_->ping());
  }

  /// A glyph of the cursor font for the root window.
  void set_cursor(std::uint16_t glyph) {
    auto font = xcb_generate_id(raw());
    auto cursor = xcb_generate_id(raw());
    xcb_open_font(raw(), font, 6, "cursor");
    xcb_create_glyph_cursor(raw(), cursor, font, font, glyph, static_cast<std::uint16_t>(glyph + 1),
                            0, 0, 0, 0xffff, 0xffff, 0xffff);
    xcb_change_window_attributes(raw(), x_->root(), XCB_CW_CURSOR, &cursor);
    static_cast<void>(x_->ping());
  }

private:
  xcb_connection_t* raw() const { return x_->raw(); }

  std::unique_ptr<desktop::connection> x_;
  xcb_gcontext_t context_;
};

} // namespace holt::test
