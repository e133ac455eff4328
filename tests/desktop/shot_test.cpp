// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE shot

#include "desktop/screenshot.hpp"
#include "desktop/workbench.hpp"

#include "check.hpp"
#include "desktop/paint.hpp"
#include "desktop/xvfb.hpp"

#include <caf/all.hpp>

#include <png.h>

#include <cstring>

using namespace holt;
using namespace holt::desktop;

namespace {

/// RGB of a PNG, decoded by libpng.
std::vector<std::uint8_t> decode(const std::vector<std::uint8_t>& file, unsigned& width,
                                 unsigned& height) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  CAF_REQUIRE(png_image_begin_read_from_memory(&image, file.data(), file.size()) != 0);
  image.format = PNG_FORMAT_RGB;
  width = image.width;
  height = image.height;
  std::vector<std::uint8_t> out(PNG_IMAGE_SIZE(image));
  CAF_REQUIRE(png_image_finish_read(&image, nullptr, out.data(), 0, nullptr) != 0);
  return out;
}

shot made_of(unsigned width, unsigned height, std::uint32_t bgrx) {
  shot out;
  out.area = {0, 0, width, height};
  out.pixels.resize(std::size_t{width} * height * 4);
  for (std::size_t i = 0; i < out.pixels.size(); i += 4)
    std::memcpy(&out.pixels[i], &bgrx, 4);
  return out;
}

struct fixture {
  fixture() {
    if (test::skipped("shot", {"Xvfb"}))
      return;
    server = std::make_unique<test::xvfb>("320x240x24");
    std::shared_ptr<connection> x{std::move(*connection::open({server->display(), {}}))};
    bench = std::move(*workbench::create(x));
    painter = std::make_unique<test::painter>(server->display());
  }

  result<shot> take(bool with_cursor = false) {
    return bench->view().take({0, 0, 320, 240}, with_cursor, [this] { bench->pump(); });
  }

  std::unique_ptr<test::xvfb> server;
  std::unique_ptr<workbench> bench;
  std::unique_ptr<test::painter> painter;
};

} // namespace

CAF_TEST(a PNG holds exactly the pixels it was made of) {
  std::vector<std::uint8_t> pixels(37 * 23 * 4);
  std::uint32_t seed = 12345;
  for (auto& byte : pixels)
    byte = static_cast<std::uint8_t>((seed = seed * 1664525 + 1013904223) >> 24);
  auto file = encode_png({pixels.data(), 37 * 4, 37, 23});
  CAF_REQUIRE(file);
  unsigned width = 0, height = 0;
  auto rgb = decode(*file, width, height);
  CAF_CHECK_EQUAL(width, 37u);
  CAF_CHECK_EQUAL(height, 23u);
  bool same = true;
  for (std::size_t i = 0; i < 37 * 23; ++i)
    for (std::size_t c = 0; c < 3; ++c)
      same = same && rgb[i * 3 + c] == pixels[i * 4 + 2 - c];
  CAF_CHECK(same);
}

CAF_TEST(a WebP says that it is one and odd sizes are fine) {
  auto picture = made_of(33, 17, 0x00336699);
  auto file = encode_webp(picture.view(), 80);
  CAF_REQUIRE(file);
  CAF_REQUIRE(file->size() > 16);
  CAF_CHECK(std::memcmp(file->data(), "RIFF", 4) == 0);
  CAF_CHECK(std::memcmp(file->data() + 8, "WEBP", 4) == 0);
  CAF_CHECK(!encode_webp({picture.pixels.data(), 0, 0, 0}, 80));
}

CAF_TEST(the pointer is blended where it is and cut at the edges) {
  auto picture = made_of(10, 10, 0x00ffffff);
  drawn_cursor cursor;
  cursor.x = 8;
  cursor.y = -1;
  cursor.width = 4;
  cursor.height = 4;
  cursor.argb.assign(16, 0xff102030);
  draw_cursor(picture, cursor);
  auto pixel = [&](unsigned x, unsigned y) {
    std::uint32_t value = 0;
    std::memcpy(&value, &picture.pixels[(std::size_t{y} * 10 + x) * 4], 4);
    return value & 0xffffff;
  };
  CAF_CHECK_EQUAL(pixel(8, 0), 0x102030u);
  CAF_CHECK_EQUAL(pixel(9, 2), 0x102030u);
  CAF_CHECK_EQUAL(pixel(7, 0), 0xffffffu);
  CAF_CHECK_EQUAL(pixel(9, 3), 0xffffffu);
}

CAF_TEST(the pointer is in its place at every scale) {
  for (double scale : {1.0, 0.5, 0.25}) {
    auto picture = made_of(200, 100, 0x00ffffff);
    drawn_cursor cursor;
    cursor.x = 100;
    cursor.y = 40;
    cursor.width = 16;
    cursor.height = 16;
    cursor.argb.assign(256, 0xff000000);
    picture.cursor = cursor;
    auto done = finish(picture, {shot_format::png, 85, scale});
    CAF_REQUIRE(done);
    unsigned width = 0, height = 0;
    auto rgb = decode(done->bytes, width, height);
    CAF_CHECK_EQUAL(width, done->width);
    auto at = [&](double x, double y) {
      auto index
        = static_cast<std::size_t>(y * scale) * width + static_cast<std::size_t>(x * scale);
      return rgb[index * 3];
    };
    CAF_CHECK(at(108, 48) < 8);
    CAF_CHECK(at(90, 48) > 247);
    CAF_CHECK(at(124, 48) > 247);
  }
}

CAF_TEST(a picture never has no side) {
  auto picture = made_of(3, 3, 0);
  auto done = finish(picture, {shot_format::png, 85, 0.1});
  CAF_REQUIRE(done);
  CAF_CHECK_EQUAL(done->width, 1u);
  CAF_CHECK_EQUAL(done->height, 1u);
}

CAF_TEST_FIXTURE_SCOPE(on_a_screen, fixture)

CAF_TEST(an unchanged screen keeps its number and a painted one gets another) {
  NEEDS_X();
  auto first = take();
  CAF_REQUIRE(first);
  bench->pump();
  auto settled = take();
  CAF_REQUIRE(settled);
  for (int i = 0; i < 5; ++i) {
    bench->pump();
    auto again = take();
    CAF_REQUIRE(again);
    CAF_CHECK_EQUAL(again->frame, settled->frame);
  }
  painter->fill({10, 10, 5, 5}, 0xff0000);
  auto changed = take();
  CAF_REQUIRE(changed);
  CAF_CHECK(changed->frame != settled->frame);
  bench->pump();
  auto after = take();
  CAF_REQUIRE(after);
  CAF_CHECK_EQUAL(after->frame, changed->frame);
  CAF_CHECK(after->pixels == changed->pixels);
}

CAF_TEST(equal numbers mean equal pixels while somebody paints all the time) {
  NEEDS_X();
  std::map<std::uint64_t, std::vector<std::uint8_t>> seen;
  for (unsigned i = 0; i < 60; ++i) {
    if (i % 3 != 2)
      painter->fill({i % 100, i % 50, 8, 8}, 0x010101u * i);
    auto picture = take();
    CAF_REQUIRE(picture);
    auto [known, fresh] = seen.emplace(picture->frame, picture->pixels);
    CAF_CHECK(fresh || known->second == picture->pixels);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
