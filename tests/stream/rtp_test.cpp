// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE rtp

#include "stream/rtp.hpp"

#include "check.hpp"
#include "stream/rtcp.hpp"
#include "tests/stream/rtc_fixture.hpp"

#include <caf/all.hpp>

#include <random>

using namespace holt::stream;
using namespace std::chrono_literals;
using holt::test::hex;
using holt::test::unhex;

namespace {

frame_ptr picture(std::size_t bytes, bool key = false) {
  auto out = std::make_shared<encoded_frame>();
  out->video = true;
  out->key = key;
  out->rtp_timestamp = 0x01020304;
  out->data.resize(bytes);
  for (std::size_t i = 0; i < bytes; ++i)
    out->data[i] = static_cast<std::uint8_t>(i);
  return out;
}

constexpr std::uint32_t video_ssrc = 0x11111111;

} // namespace

CAF_TEST(a picture is split evenly and nothing is lost) {
  for (std::size_t size : {1U, 1139U, 1140U, 1141U, 5000U, 250'000U}) {
    std::size_t sum = 0;
    std::size_t least = size;
    std::size_t most = 0;
    for (auto slice : split_vp8(size)) {
      CAF_REQUIRE_EQUAL(slice.offset, sum);
      sum += slice.size;
      least = std::min<std::size_t>(least, slice.size);
      most = std::max<std::size_t>(most, slice.size);
    }
    CAF_CHECK_EQUAL(sum, size);
    CAF_CHECK(most <= vp8_slice_bytes);
    CAF_CHECK(most - least <= 1);
  }
  CAF_CHECK(split_vp8(0).empty());
}

CAF_TEST(the descriptor has start bit and a picture id of 15 bits) {
  CAF_CHECK_EQUAL(hex(vp8_descriptor(true, 0x1234)), "90809234");
  CAF_CHECK_EQUAL(hex(vp8_descriptor(false, 0x7fff)), "8080ffff");
  CAF_CHECK_EQUAL(hex(vp8_descriptor(true, 0x8001)), "90808001");
}

CAF_TEST(header and extensions stand byte by byte) {
  std::array<std::uint8_t, 64> out{};
  byte_writer w{out};
  write_rtp_header(w, {96, true, 0x0102, 0x03040506, 0x0708090a}, {true, true}, 0xabcdef);
  CAF_CHECK_EQUAL(hex(w.written()), "90e00102030405060708090abede000222abcdef52000000");
  byte_writer bare{out};
  write_rtp_header(bare, {111, false, 1, 2, 3}, {}, 0);
  CAF_CHECK_EQUAL(hex(bare.written()), "806f00010000000200000003");
  byte_writer one{out};
  write_rtp_header(one, {96, false, 1, 2, 3}, {false, true}, 0);
  CAF_CHECK_EQUAL(hex(one.written()), "906000010000000200000003bede000152000000");
}

CAF_TEST(send time is 24 bits of seconds in 6 and 18) {
  auto when = std::chrono::system_clock::time_point{} + 65s + 500ms;
  CAF_CHECK_EQUAL(abs_send_time(when), (1U << 18) | (1U << 17));
}

CAF_TEST(the history finds the newest 1024 packets and no older ones) {
  rtp_history history;
  auto first = history.next();
  auto made = history.add(picture(3000, true));
  CAF_REQUIRE_EQUAL(made.size(), std::size_t{3});
  CAF_CHECK(made[0]->first);
  CAF_CHECK(!made[0]->last);
  CAF_CHECK(made[2]->last);
  CAF_CHECK_EQUAL(made[1]->sequence, first + 1);
  CAF_CHECK_EQUAL(made[0]->picture_id, made[2]->picture_id);
  CAF_CHECK(history.find(first) == made[0]);
  for (int i = 0; i < 1021; ++i)
    history.add(picture(10));
  CAF_CHECK(history.find(first) != nullptr);
  history.add(picture(10));
  CAF_CHECK(history.find(first) == nullptr);
  CAF_CHECK(history.find(static_cast<std::uint16_t>(first + 1)) != nullptr);
  CAF_CHECK(history.find(history.next()) == nullptr);
  history.clear();
  CAF_CHECK(history.find(static_cast<std::uint16_t>(first + 1)) == nullptr);
}

CAF_TEST(a picture larger than the ring makes no packets) {
  rtp_history history;
  CAF_CHECK(history.add(picture(vp8_slice_bytes * 1024 + 1)).empty());
  CAF_CHECK_EQUAL(history.add(picture(vp8_slice_bytes * 1024)).size(), std::size_t{1024});
}

CAF_TEST(numbers go on over their wrap and stay findable) {
  rtp_history history;
  for (int i = 0; i < 70'000; ++i) {
    auto sequence = history.next();
    history.add(picture(1));
    CAF_REQUIRE(history.find(sequence) != nullptr);
  }
}

CAF_TEST(a viewer that pauses sees numbers without a gap) {
  viewer_sequence numbers;
  numbers.resume(100);
  auto a = numbers.map(100);
  auto b = numbers.map(101);
  CAF_CHECK_EQUAL(b, a + 1);
  CAF_CHECK(numbers.shared(b) == std::uint16_t{101});
  numbers.resume(500);
  auto c = numbers.map(500);
  CAF_CHECK_EQUAL(c, b + 1);
  CAF_CHECK(numbers.shared(c) == std::uint16_t{500});
  CAF_CHECK(!numbers.shared(b));
  CAF_CHECK(!numbers.shared(static_cast<std::uint16_t>(c + 1)));
}

CAF_TEST(a viewer without a pause keeps asking after more packets than numbers) {
  viewer_sequence numbers;
  numbers.resume(7);
  std::uint16_t own = 0;
  std::uint16_t shared = 7;
  for (int i = 0; i < 200'000; ++i)
    own = numbers.map(shared++);
  CAF_CHECK(numbers.shared(own) == static_cast<std::uint16_t>(shared - 1));
  CAF_CHECK(numbers.shared(static_cast<std::uint16_t>(own - 900))
            == static_cast<std::uint16_t>(shared - 901));
}

CAF_TEST(PLI and FIR want a key frame of our video only) {
  CAF_CHECK(parse_rtcp(unhex("81ce00020000000111111111"), video_ssrc).key_wanted);
  CAF_CHECK(!parse_rtcp(unhex("81ce00020000000122222222"), video_ssrc).key_wanted);
  CAF_CHECK(parse_rtcp(unhex("84ce000400000001000000001111111105000000"), video_ssrc).key_wanted);
  CAF_CHECK(!parse_rtcp(unhex("84ce000400000001000000002222222205000000"), video_ssrc).key_wanted);
}

CAF_TEST(a NACK names the packet and those of its bit mask) {
  auto seen = parse_rtcp(unhex("81cd00030000000111111111fffe8001"), video_ssrc);
  CAF_CHECK_EQUAL(seen.lost, (std::vector<std::uint16_t>{0xfffe, 0xffff, 14}));
}

CAF_TEST(a NACK of absurd size is bounded) {
  std::string text = "81cd"
                     "1002"
                     "00000001"
                     "11111111";
  for (int i = 0; i < 0x1000; ++i)
    text += "0001ffff";
  CAF_CHECK_EQUAL(parse_rtcp(unhex(text), video_ssrc).lost.size(), std::size_t{1024});
}

CAF_TEST(REMB is mantissa and exponent and saturates) {
  auto remb = [](const char* word) {
    auto text = std::string{"8fce0005"
                            "00000001"
                            "00000000"
                            "52454d42"}
                + word + "11111111";
    return parse_rtcp(unhex(text), video_ssrc).estimate;
  };
  CAF_CHECK(remb("010bd090") == std::uint64_t{0x3d090} << 2);
  CAF_CHECK(remb("01ffffff") == ~std::uint64_t{0});
}

CAF_TEST(a receiver report about the video gives loss and round trip) {
  std::chrono::system_clock::time_point sent{1'700'000'000s};
  auto middle = static_cast<std::uint32_t>(ntp_time(sent) >> 16);
  std::array<std::uint8_t, 32> bytes{};
  byte_writer w{bytes};
  w.u8(0x81);
  w.u8(201);
  w.u16(7);
  w.u32(1);
  w.u32(video_ssrc);
  w.u8(64);
  w.zeros(3 + 4 + 4);
  w.u32(middle);
  w.u32(65'536); // one second at the viewer
  auto seen = parse_rtcp(bytes, video_ssrc);
  CAF_REQUIRE(seen.video);
  CAF_CHECK_EQUAL(seen.video->fraction_lost, 64);
  auto trip = round_trip(*seen.video, sent + 1s + 250ms);
  CAF_REQUIRE(trip);
  CAF_CHECK_EQUAL(trip->count(), 250'000);
  CAF_CHECK_EQUAL(round_trip(*seen.video, sent + 900ms)->count(), 0);
  CAF_CHECK(!round_trip({}, sent));
}

CAF_TEST(compound packets are read to the end and BYE is seen) {
  auto seen = parse_rtcp(unhex("80c90001000000aa"
                               "81ce00020000000111111111"
                               "81cb000100000001"),
                         video_ssrc);
  CAF_CHECK(seen.key_wanted);
  CAF_CHECK(seen.bye);
}

CAF_TEST(the sender report stands byte by byte) {
  std::array<std::uint8_t, 128> out{};
  auto n = write_sender_report(
    out, {0x0a0b0c0d, std::chrono::system_clock::time_point{500ms}, 7, 8, 9}, "abc");
  CAF_CHECK_EQUAL(hex(bytes_view{out}.first(n)), "80c80006"
                                                 "0a0b0c0d"
                                                 "83aa7e8080000000"
                                                 "00000007"
                                                 "00000008"
                                                 "00000009"
                                                 "81ca0003"
                                                 "0a0b0c0d"
                                                 "0103616263000000");
}

CAF_TEST(random RTCP never crashes the parser) {
  auto seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  std::mt19937 random{seed};
  for (int i = 0; i < 50'000; ++i) {
    std::vector<std::uint8_t> bytes(random() % 96);
    for (auto& b : bytes)
      b = static_cast<std::uint8_t>(random());
    if (bytes.size() > 4) {
      bytes[0] = static_cast<std::uint8_t>(0x80 | (bytes[0] & 0x3f));
      bytes[1] = static_cast<std::uint8_t>(200 + bytes[1] % 8);
      bytes[2] = 0;
      bytes[3] = static_cast<std::uint8_t>(bytes[3] % 24);
    }
    parse_rtcp(bytes, video_ssrc);
  }
}
