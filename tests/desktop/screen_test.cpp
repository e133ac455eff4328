// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE screen

#include "desktop/capture.hpp"
#include "desktop/cursor.hpp"
#include "desktop/damage.hpp"
#include "desktop/input.hpp"
#include "desktop/modes.hpp"
#include "desktop/screenshot.hpp"

#include "check.hpp"
#include "desktop/paint.hpp"
#include "desktop/xvfb.hpp"

#include <caf/all.hpp>

#include <cstring>

using namespace holt;
using namespace holt::desktop;

CAF_TEST(a rectangle is cut to the screen and grown to even edges) {
  CAF_CHECK(even_inside({1, 1, 1, 1}, 100, 100) == (rectangle{0, 0, 2, 2}));
  CAF_CHECK(even_inside({98, 98, 50, 50}, 99, 99) == (rectangle{98, 98, 1, 1}));
  CAF_CHECK(even_inside({3, 5, 4, 4}, 100, 100) == (rectangle{2, 4, 6, 6}));
  CAF_CHECK(even_inside({100, 0, 5, 5}, 100, 100).empty());
  CAF_CHECK(even_inside({5, 5, 0, 9}, 100, 100).empty());
  CAF_CHECK(even_inside({10, 0, 0xffffffff, 5}, 100, 100) == (rectangle{10, 0, 90, 6}));
}

CAF_TEST(a colour painted on the screen is grabbed and reported as damage) {
  NEEDS_X();
  test::xvfb server{"640x480x24"};
  auto x = std::move(*connection::open({server.display(), {}}));
  test::painter painter{server.display()};
  capture shots{*x};
  damage changes{*x};
  CAF_CHECK(shots.grab_all());
  CAF_CHECK(changes.take());
  CAF_CHECK(changes.take()->empty());
  while (x->next_event())
    ;
  painter.fill({100, 50, 30, 20}, 0x12ab34);
  static_cast<void>(x->ping());
  bool told = false;
  while (auto event = x->next_event())
    told = told || changes.is_event(*event);
  CAF_CHECK(told);
  CAF_CHECK(*changes.take() == (rectangle{100, 50, 30, 20}));
  auto part = shots.grab({100, 50, 30, 20});
  CAF_REQUIRE(part);
  for (unsigned i = 0; i < 30 * 20; ++i) {
    CAF_REQUIRE(part->data[i * 4] == 0x34);
    CAF_REQUIRE(part->data[i * 4 + 1] == 0xab);
    CAF_REQUIRE(part->data[i * 4 + 2] == 0x12);
  }
  auto all = shots.grab_all();
  CAF_REQUIRE(all);
  CAF_CHECK(all->width == 640u);
  CAF_CHECK(all->data[all->stride * 60 + 110 * 4] == 0x34);
  auto outside = shots.grab({630, 0, 20, 20});
  CAF_REQUIRE(!outside);
  CAF_CHECK(outside.error().code == errc::invalid_request);
}

CAF_TEST(any size up to the frame buffer can be set and is read back exactly) {
  NEEDS_X();
  test::xvfb server{"1920x1080x24"};
  auto x = std::move(*connection::open({server.display(), {}}));
  capture shots{*x};
  for (screen_size want :
       {screen_size{1280, 720, 60}, screen_size{1366, 768, 60}, screen_size{801, 601, 30},
        screen_size{1920, 1080, 60}, screen_size{640, 480, 25}, screen_size{1280, 720, 60}}) {
    auto got = set_mode(*x, want);
    CAF_REQUIRE(got);
    CAF_CHECK(got->width == want.width);
    CAF_CHECK(got->height == want.height);
    CAF_CHECK(got->rate == want.rate);
    auto all = shots.grab_all();
    CAF_REQUIRE(all);
    CAF_CHECK(all->width == want.width);
    CAF_CHECK(all->height == want.height);
  }
  for (screen_size bad :
       {screen_size{1921, 1080, 60}, screen_size{0, 0, 0}, screen_size{40000, 5, 0}}) {
    auto got = set_mode(*x, bad);
    CAF_REQUIRE(!got);
    CAF_CHECK(got.error().code == errc::invalid_request);
    CAF_CHECK(current_mode(*x)->width == 1280u);
  }
}

CAF_TEST(modes of ours do not pile up) {
  NEEDS_X();
  test::xvfb server{"1920x1080x24"};
  auto x = std::move(*connection::open({server.display(), {}}));
  auto before = list_modes(*x)->size();
  for (unsigned i = 0; i < 50; ++i)
    CAF_REQUIRE(set_mode(*x, {1000 + i, 500 + i, 60}));
  CAF_CHECK(list_modes(*x)->size() <= before + 1);
}

CAF_TEST(a lost server is an error and not the end of the process) {
  NEEDS_X();
  test::xvfb server{"640x480x24", {test::high_display()}};
  auto x = std::move(*connection::open({server.display(), {}}));
  capture shots{*x};
  CAF_CHECK(shots.grab_all());
  server.kill();
  CAF_CHECK(!shots.grab_all());
  CAF_CHECK(x->lost());
  CAF_CHECK(!x->ping());
  auto again = connection::open({server.display(), {}});
  CAF_REQUIRE(!again);
  CAF_CHECK(again.error().code == errc::io);
}

CAF_TEST(screenshots are JPEG and PNG files) {
  std::vector<std::uint8_t> pixels(64 * 48 * 4, 0x80);
  bgrx_view view{pixels.data(), 64 * 4, 64, 48};
  auto jpeg = encode_jpeg(view, 80);
  CAF_REQUIRE(jpeg);
  CAF_CHECK((*jpeg)[0] == 0xff);
  CAF_CHECK((*jpeg)[1] == 0xd8);
  CAF_CHECK((*jpeg)[jpeg->size() - 1] == 0xd9);
  auto png = encode_png(view);
  CAF_REQUIRE(png);
  CAF_CHECK(std::memcmp(png->data(), "\x89PNG\r\n", 6) == 0);
  CAF_CHECK(!encode_jpeg({pixels.data(), 0, 0, 0}, 80));
  CAF_CHECK(!encode_png({pixels.data(), 0, 0, 0}));
  CAF_CHECK(!encode_jpeg({pixels.data(), 4, 70'000, 1}, 80));
}

CAF_TEST(the pointer moves where it is told and stays on the screen) {
  NEEDS_X();
  test::xvfb server{"640x480x24"};
  auto x = std::move(*connection::open({server.display(), {}}));
  auto hand = std::move(*input::create(*x));
  CAF_CHECK(hand->move(123, 45));
  CAF_CHECK(*read_pointer(*x) == (pointer_position{123, 45}));
  CAF_CHECK(hand->move(-5, 9999));
  CAF_CHECK(*read_pointer(*x) == (pointer_position{0, 479}));
}

CAF_TEST(a new pointer picture is told and read) {
  NEEDS_X();
  test::xvfb server{"640x480x24"};
  auto x = std::move(*connection::open({server.display(), {}}));
  watch_cursor(*x);
  auto before = read_cursor(*x);
  CAF_REQUIRE(before);
  while (x->next_event())
    ;
  test::painter painter{server.display()};
  painter.set_cursor(68); // a glyph of the cursor font
  static_cast<void>(x->ping());
  bool told = false;
  while (auto event = x->next_event())
    told = told || is_cursor_event(*x, *event);
  CAF_CHECK(told);
  auto after = read_cursor(*x);
  CAF_REQUIRE(after);
  CAF_CHECK(after->serial != before->serial);
  CAF_CHECK(after->width > 0 && after->hot_x <= after->width);
  CAF_CHECK(std::memcmp(after->png.data(), "\x89PNG", 4) == 0);
}
