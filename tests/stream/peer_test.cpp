// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE peer

#include "stream/peer_pool.hpp"

#include "check.hpp"
#include "tests/stream/fake_browser.hpp"
#include "tests/stream/rtc_fixture.hpp"

#include <caf/all.hpp>

using namespace holt::stream;
using namespace std::chrono_literals;
using holt::test::fake_browser;
using holt::test::unhex;

namespace {

struct fixture {
  boost::asio::io_context io{1};
  unsigned video = 0;
  unsigned audio = 0;
  int keys_wanted = 0;
  std::unique_ptr<peer_pool> pool;
  bool connected = false;
  std::optional<peer_end> end;
  fake_browser browser{io};

  fixture() {
    auto identity = dtls_identity::make();
    CAF_REQUIRE(identity);
    pool = std::make_unique<peer_pool>(io, *identity,
                                       pool_handlers{[this](unsigned v, unsigned a) {
                                                       video = v;
                                                       audio = a;
                                                     },
                                                     [this] { ++keys_wanted; }});
    pool_settings where;
    where.bind = {boost::asio::ip::make_address("127.0.0.1"), 0};
    CAF_REQUIRE(pool->open(where));
  }

  peer_ptr make() {
    peer_handlers on;
    on.connected = [this] { connected = true; };
    on.channel_open = [] {};
    on.message = [](bytes_view) {};
    on.closed = [this](const peer_end& why) { end = why; };
    auto made = pool->create(std::move(on));
    CAF_REQUIRE(made != nullptr);
    browser.take(made->offer());
    return made;
  }

  /// Turns both sides until `done` holds; false after 20 s.
  template <class F>
  bool until(F done) {
    auto limit = std::chrono::steady_clock::now() + 20s;
    while (!done()) {
      if (std::chrono::steady_clock::now() > limit)
        return false;
      io.run_one_for(5ms);
      browser.turn();
    }
    return true;
  }

  void route() {
    browser.check();
    CAF_REQUIRE(until([this] { return browser.checks_answered > 0; }));
  }

  peer_ptr connect() {
    auto made = make();
    route();
    CAF_REQUIRE(made->accept(browser.answer()));
    browser.begin();
    CAF_REQUIRE(until([this] { return connected && browser.established(); }));
    return made;
  }

  void show(std::size_t bytes, bool key) {
    auto frame = std::make_shared<encoded_frame>();
    frame->video = true;
    frame->key = key;
    frame->rtp_timestamp = 9'000;
    frame->captured = std::chrono::system_clock::now();
    frame->data.assign(bytes, 0xab);
    pool->send(frame);
  }
};

std::uint16_t sequence_of(const std::vector<std::uint8_t>& packet) {
  return static_cast<std::uint16_t>(packet[2] << 8 | packet[3]);
}

int type_of(const std::vector<std::uint8_t>& packet) {
  return packet[1] & 0x7f;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(peer_tests, fixture)

CAF_TEST(a viewer that answers is connected and gets pictures from the key frame on) {
  auto one = connect();
  CAF_CHECK_EQUAL(video, 1U);
  CAF_CHECK_EQUAL(audio, 1U);
  CAF_CHECK_EQUAL(keys_wanted, 1);
  show(100, false); // before its key frame: not for this viewer
  show(3000, true);
  CAF_REQUIRE(until([this] { return browser.packets.size() >= 3; }));
  CAF_CHECK_EQUAL(browser.packets.size(), std::size_t{3});
  CAF_CHECK_EQUAL(type_of(browser.packets[0]), 96);
  CAF_CHECK_EQUAL(sequence_of(browser.packets[2]), sequence_of(browser.packets[0]) + 2);
  CAF_CHECK_EQUAL(browser.packets[0][1] & 0x80, 0);
  CAF_CHECK_EQUAL(browser.packets[2][1] & 0x80, 0x80);
  CAF_CHECK_EQUAL(browser.packets[0].size(), std::size_t{12 + 4 + 1000});
}

CAF_TEST(the handshake may end before the answer comes and no media flows until then) {
  auto one = make();
  route();
  browser.begin();
  CAF_REQUIRE(until([this] { return browser.established(); }));
  show(100, true);
  io.run_for(20ms);
  browser.turn();
  CAF_CHECK(!connected);
  CAF_CHECK(browser.packets.empty());
  CAF_CHECK_EQUAL(video, 0U);
  CAF_REQUIRE(one->accept(browser.answer()));
  CAF_CHECK(connected);
}

CAF_TEST(another certificate than that of the answer is refused in the handshake) {
  auto one = make();
  route();
  browser.print[0] = static_cast<std::uint8_t>(browser.print[0] ^ 1);
  CAF_REQUIRE(one->accept(browser.answer()));
  browser.begin();
  CAF_REQUIRE(until([this] { return end.has_value(); }));
  CAF_CHECK(end->code == holt::errc::stream_ice);
  CAF_CHECK(!connected);
  CAF_CHECK_EQUAL(pool->size(), std::size_t{0});
}

CAF_TEST(another certificate than that of a late answer is refused) {
  auto one = make();
  route();
  browser.begin();
  CAF_REQUIRE(until([this] { return browser.established(); }));
  browser.print[5] = static_cast<std::uint8_t>(browser.print[5] ^ 1);
  CAF_CHECK(!one->accept(browser.answer()));
  CAF_CHECK(!connected);
  CAF_CHECK_EQUAL(pool->size(), std::size_t{0});
}

CAF_TEST(a lost packet comes again on the retransmission stream with its number in front) {
  auto one = connect();
  show(3000, true);
  CAF_REQUIRE(until([this] { return browser.packets.size() >= 3; }));
  auto lost = browser.packets[1];
  browser.packets.clear();
  auto nack = unhex("81cd000300000001");
  auto ssrc = std::vector<std::uint8_t>(lost.begin() + 8, lost.begin() + 12);
  nack.insert(nack.end(), ssrc.begin(), ssrc.end());
  nack.insert(nack.end(), {lost[2], lost[3], 0, 0});
  browser.send_rtcp(nack);
  CAF_REQUIRE(until([this] { return !browser.packets.empty(); }));
  const auto& again = browser.packets[0];
  CAF_CHECK_EQUAL(type_of(again), 97);
  CAF_CHECK(std::vector<std::uint8_t>(again.begin() + 8, again.begin() + 12) != ssrc);
  CAF_CHECK_EQUAL(again[12] << 8 | again[13], int{sequence_of(lost)});
  CAF_CHECK(std::equal(lost.begin() + 12, lost.end(), again.begin() + 14, again.end()));
  CAF_CHECK_EQUAL(one->statistics().retransmitted, 1U);
}

CAF_TEST(a PLI asks for a key frame but at most ten times a second) {
  auto one = connect();
  show(10, true);
  CAF_REQUIRE(until([this] { return !browser.packets.empty(); }));
  auto pli = unhex("81ce000200000001");
  pli.insert(pli.end(), browser.packets[0].begin() + 8, browser.packets[0].begin() + 12);
  auto start = std::chrono::steady_clock::now();
  for (std::uint64_t i = 1; i <= 20; ++i) {
    browser.send_rtcp(pli);
    CAF_REQUIRE(until([&] { return one->statistics().keys_wanted == i; }));
  }
  auto took = std::chrono::steady_clock::now() - start;
  CAF_CHECK(keys_wanted <= 2 + took / 100ms);
  CAF_CHECK(until([this] { return keys_wanted >= 2; }));
}

CAF_TEST(a viewer with its video off is not counted and gets nothing) {
  auto one = connect();
  show(10, true);
  CAF_REQUIRE(until([this] { return browser.packets.size() == 1; }));
  auto last = sequence_of(browser.packets[0]);
  one->set_wanted(false, true);
  CAF_CHECK_EQUAL(video, 0U);
  CAF_CHECK_EQUAL(audio, 1U);
  show(10, true);
  io.run_for(10ms);
  browser.turn();
  CAF_CHECK_EQUAL(browser.packets.size(), std::size_t{1});
  one->set_wanted(true, true);
  show(10, false);
  show(10, true);
  CAF_REQUIRE(until([this] { return browser.packets.size() == 2; }));
  CAF_CHECK_EQUAL(sequence_of(browser.packets[1]), last + 1);
}

CAF_TEST(closing is at once and twice is fine) {
  auto one = connect();
  one->close();
  one->close();
  CAF_CHECK_EQUAL(pool->size(), std::size_t{0});
  CAF_CHECK_EQUAL(video, 0U);
  CAF_CHECK(!end.has_value());
  io.run_for(5ms);
  CAF_CHECK(!one->send(unhex("00")));
}

CAF_TEST(a bad answer closes the peer with its reason) {
  auto one = make();
  auto taken = one->accept("v=0\r\n");
  CAF_REQUIRE(!taken);
  CAF_CHECK(taken.error().detail.starts_with("answer refused: "));
  CAF_CHECK(one->state() == peer_state::closed);
  CAF_CHECK(!one->accept(browser.answer()));
}

CAF_TEST(the number of peers is bounded) {
  std::vector<peer_ptr> all;
  for (std::size_t i = 0; i < peer_pool::most_peers; ++i)
    all.push_back(make());
  CAF_CHECK(pool->create({}) == nullptr);
  all[7]->close();
  CAF_CHECK(pool->create({}) != nullptr);
}

CAF_TEST(datagrams of strangers are counted or dropped) {
  boost::asio::ip::udp::socket stranger{io, {boost::asio::ip::make_address("127.0.0.1"), 0}};
  udp_endpoint to{boost::asio::ip::make_address("127.0.0.1"), pool->port()};
  for (const char* text : {"00", "0001", "16fefd0000", "80c90001", "ff", "000100002112a442"})
    stranger.send_to(boost::asio::buffer(unhex(text)), to);
  CAF_CHECK(until([this] { return pool->socket_counters().received == 6; }));
  CAF_CHECK_EQUAL(pool->counters().refused_checks, 3U);
}

CAF_TEST(a taken port is an error that names it) {
  auto identity = dtls_identity::make();
  udp_mux second{io};
  auto opened = second.open({boost::asio::ip::make_address("127.0.0.1"), pool->port()},
                            [](bytes_span, const udp_endpoint&) {});
  CAF_REQUIRE(!opened);
  CAF_CHECK(opened.error().code == holt::errc::port_unavailable);
  CAF_CHECK(opened.error().detail.find(std::to_string(pool->port())) != std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
