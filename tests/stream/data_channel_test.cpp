// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE data_channel

#include "stream/data_channel.hpp"

#include "check.hpp"
#include "tests/stream/rtc_fixture.hpp"

#include <caf/all.hpp>

#include <random>

using namespace holt::stream;
using holt::test::hex;
using holt::test::unhex;

namespace {

channel_input read(const char* text) {
  auto out = decode_channel_input(unhex(text));
  CAF_REQUIRE(out);
  return *out;
}

} // namespace

CAF_TEST(each operation of a viewer is read byte by byte) {
  CAF_CHECK(read("01000400640032") == channel_input{pointer_moved{100, 50}});
  CAF_CHECK(read("0200040001fffe") == channel_input{wheel_turned{1, -2, false}});
  CAF_CHECK(read("0200050001fffe01") == channel_input{wheel_turned{1, -2, true}});
  CAF_CHECK(read("0300040000ffe1") == channel_input{key_changed{true, 0xffe1}});
  CAF_CHECK(read("0400040000ffe1") == channel_input{key_changed{false, 0xffe1}});
  CAF_CHECK(read("05000400000003") == channel_input{button_changed{true, 3}});
  CAF_CHECK(read("06000400000001") == channel_input{button_changed{false, 1}});
  CAF_CHECK(read("0700080000000100000002") == channel_input{ping_asked{1, 2}});
  CAF_CHECK(read("08000d0000000700000010ffffffff80")
            == channel_input{touch_changed{8, 7, 16, -1, 0x80}});
}

CAF_TEST(the length field does not matter but for the scroll) {
  CAF_CHECK(read("01ffff00640032") == channel_input{pointer_moved{100, 50}});
  CAF_CHECK(read("0200040001fffe01") == channel_input{wheel_turned{1, -2, false}});
}

CAF_TEST(short and unknown messages are errors) {
  CAF_CHECK(!decode_channel_input({}));
  CAF_CHECK(!decode_channel_input(unhex("0b0000")));
  CAF_CHECK(!decode_channel_input(unhex("010004006400")));
  CAF_CHECK(!decode_channel_input(unhex("0200050001fffe")));
  CAF_CHECK(!decode_channel_input(unhex("07000800000001000000")));
}

CAF_TEST(what goes out counts header and body) {
  CAF_CHECK_EQUAL(hex(encode_cursor_position(0x102, 0x304)), "01000701020304");
  auto png = unhex("89504e47");
  CAF_CHECK_EQUAL(hex(encode_cursor_image(16, 24, 1, 2, png)), "02000f0010001800010002"
                                                               "89504e47");
  CAF_CHECK_EQUAL(hex(encode_pong({5, 6}, 4'294'967'295ULL * 3 + 7)), "030013"
                                                                      "00000005"
                                                                      "00000006"
                                                                      "00000003"
                                                                      "00000007");
}

CAF_TEST(a large cursor image has its length modulo 65536) {
  std::vector<std::uint8_t> png(70'000);
  auto out = encode_cursor_image(256, 256, 0, 0, png);
  CAF_CHECK_EQUAL(out.size(), std::size_t{70'011});
  CAF_CHECK_EQUAL(out[1] << 8 | out[2], 70'011 % 65'536);
}

CAF_TEST(random messages never crash the decoder) {
  auto seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  std::mt19937 random{seed};
  for (int i = 0; i < 50'000; ++i) {
    std::vector<std::uint8_t> bytes(random() % 20);
    for (auto& b : bytes)
      b = static_cast<std::uint8_t>(random() % 16);
    (void)decode_channel_input(bytes);
  }
}
