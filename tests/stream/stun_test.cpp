// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE stun

#include "stream/stun.hpp"

#include "check.hpp"
#include "stream/ice.hpp"
#include "tests/stream/rtc_fixture.hpp"

#include <caf/all.hpp>

#include <random>

using namespace holt::stream;
using namespace std::chrono_literals;
using holt::test::hex;
using holt::test::unhex;

namespace {

// RFC 5769, section 2.1
const auto rfc_request = unhex("000100582112a442b7e7a701bc34d686fa87dfae"
                               "802200105354554e207465737420636c69656e74"
                               "002400046e0001ff80290008932ff9b151263b36"
                               "000600096576746a3a68367659202020"
                               "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
                               "80280004e57a3bcf");
constexpr std::string_view rfc_password = "VOkJxbRl1RmTxUk/WvJxBt";

const transaction_id rfc_transaction{0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
                                     0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};

const udp_endpoint here{boost::asio::ip::make_address("192.0.2.1"), 32853};

} // namespace

CAF_TEST(the sample request of RFC 5769 is read and its integrity holds) {
  auto request = parse_stun_request(rfc_request);
  CAF_REQUIRE(request);
  CAF_CHECK_EQUAL(request->username, "evtj:h6vY");
  CAF_CHECK(request->transaction == rfc_transaction);
  CAF_CHECK(request->priority == 0x6e0001ffU);
  CAF_CHECK(!request->use_candidate);
  CAF_CHECK_EQUAL(local_ufrag(*request), "evtj");
  CAF_CHECK(stun_integrity_holds(rfc_request, *request, rfc_password));
  CAF_CHECK(!stun_integrity_holds(rfc_request, *request, "VOkJxbRl1RmTxUk/WvJxBu"));
}

CAF_TEST(each changed bit of a request is found) {
  for (std::size_t bit = 0; bit < rfc_request.size() * 8; ++bit) {
    auto broken = rfc_request;
    broken[bit / 8] = static_cast<std::uint8_t>(broken[bit / 8] ^ (1U << bit % 8));
    auto request = parse_stun_request(broken);
    CAF_CHECK(!request || !stun_integrity_holds(broken, *request, rfc_password));
  }
}

CAF_TEST(each shortened request is refused) {
  for (std::size_t n = 0; n < rfc_request.size(); ++n)
    CAF_CHECK(!parse_stun_request(bytes_view{rfc_request}.first(n)));
}

CAF_TEST(the success response has the mapped address of RFC 5769 and its own proofs) {
  std::array<std::uint8_t, 128> out{};
  auto n = write_stun_success(out, rfc_transaction, here, rfc_password);
  // header, XOR-MAPPED-ADDRESS as in section 2.2 without SOFTWARE
  CAF_CHECK_EQUAL(hex(bytes_view{out}.first(32)), "0101002c2112a442b7e7a701bc34d686fa87dfae"
                                                  "002000080001a147e112a643");
  CAF_REQUIRE_EQUAL(n, std::size_t{64});
  auto crc = crc32(bytes_view{out}.first(56)) ^ 0x5354554eU;
  byte_reader tail{bytes_view{out}.subspan(60, 4)};
  CAF_CHECK_EQUAL(tail.u32(), crc);
}

CAF_TEST(the mapped address of IPv6 is masked with the transaction) {
  std::array<std::uint8_t, 128> out{};
  udp_endpoint v6{boost::asio::ip::make_address("2001:db8:1234:5678:11:2233:4455:6677"), 32853};
  auto n = write_stun_success(out, rfc_transaction, v6, rfc_password);
  CAF_CHECK_EQUAL(n, std::size_t{76});
  CAF_CHECK_EQUAL(hex(bytes_view{out}.subspan(20, 24)),
                  "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9");
}

CAF_TEST(a small buffer gets no response) {
  std::array<std::uint8_t, 63> out{};
  CAF_CHECK_EQUAL(write_stun_success(out, rfc_transaction, here, rfc_password), std::size_t{0});
}

CAF_TEST(random bytes never crash the parser) {
  auto seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  std::mt19937 random{seed};
  for (int i = 0; i < 20'000; ++i) {
    auto message = i % 2 == 0 ? rfc_request : std::vector<std::uint8_t>(random() % 200);
    for (std::size_t k = 0; k < message.size(); ++k)
      if (i % 2 != 0 || random() % 16 == 0)
        message[k] = static_cast<std::uint8_t>(random());
    if (auto request = parse_stun_request(message))
      stun_integrity_holds(message, *request, rfc_password);
  }
}

CAF_TEST(a lite agent answers and follows the nominated path and loses consent after 10 s) {
  ice_agent agent{"evtj", std::string{rfc_password}};
  auto request = parse_stun_request(rfc_request);
  CAF_REQUIRE(request);
  std::array<std::uint8_t, 160> out{};
  steady_time start{1h};
  auto first = agent.check(rfc_request, *request, here, start, out);
  CAF_CHECK(first.reply_bytes > 0);
  CAF_CHECK(first.route_changed);
  CAF_CHECK(agent.route() == here);
  udp_endpoint there{boost::asio::ip::make_address("192.0.2.9"), 1};
  CAF_CHECK(!agent.check(rfc_request, *request, there, start, out).route_changed);
  CAF_CHECK(agent.route() == here);
  auto nominated = *request;
  nominated.use_candidate = true;
  CAF_CHECK(agent.check(rfc_request, nominated, there, start, out).route_changed);
  CAF_CHECK(agent.route() == there);
  CAF_CHECK(!agent.consent_lost(start + 10s));
  CAF_CHECK(agent.consent_lost(start + 10'001ms));
}

CAF_TEST(a lite agent without any check has not lost consent) {
  CAF_CHECK(!ice_agent{}.consent_lost(steady_time{24h}));
}

CAF_TEST(a lite agent refuses another ufrag and password or remote ufrag) {
  auto request = parse_stun_request(rfc_request);
  CAF_REQUIRE(request);
  std::array<std::uint8_t, 160> out{};
  auto answers = [&](ice_agent agent) {
    return agent.check(rfc_request, *request, here, {}, out).reply_bytes > 0;
  };
  CAF_CHECK(!answers({"evtx", std::string{rfc_password}}));
  CAF_CHECK(!answers({"evtj", "another"}));
  ice_agent knows{"evtj", std::string{rfc_password}};
  knows.set_remote_ufrag("h6vY");
  CAF_CHECK(answers(knows));
  knows.set_remote_ufrag("h6vX");
  CAF_CHECK(!answers(knows));
}
