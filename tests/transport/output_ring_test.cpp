// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE output_ring

#include "transport/output_ring.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <random>

using namespace holt;

namespace {

std::vector<std::string> split(const std::vector<std::string>& pieces, std::size_t most = 4096) {
  std::vector<std::string> out;
  line_splitter s{most};
  auto take = [&](std::string line) { out.push_back(std::move(line)); };
  for (const auto& piece : pieces)
    s.feed(piece, take);
  s.finish(take);
  return out;
}

} // namespace

CAF_TEST(lines are the same however the bytes arrive) {
  const std::string text = "one\ntwo\r\n\nthree \xC3\xA4\nlast";
  const auto whole = split({text});
  CAF_REQUIRE(whole.size() == 5);
  CAF_CHECK_EQUAL(whole[1], "two");
  CAF_CHECK_EQUAL(whole[2], "");
  CAF_CHECK_EQUAL(whole[3], "three \xC3\xA4");
  CAF_CHECK_EQUAL(whole[4], "last");
  const unsigned seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  std::mt19937 random{seed};
  for (int round = 0; round < 500; ++round) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size();) {
      const auto n = 1 + random() % 5;
      pieces.push_back(text.substr(at, n));
      at += n;
    }
    CAF_CHECK(split(pieces) == whole);
  }
}

CAF_TEST(a long line is cut and the next one is whole) {
  const auto lines = split({std::string(5000, 'a'), "bbb", "\nnext\n"}, 100);
  CAF_REQUIRE(lines.size() == 2);
  std::string cut(100, 'a');
  cut.append(" …");
  CAF_CHECK_EQUAL(lines[0], cut);
  CAF_CHECK_EQUAL(lines[1], "next");
}

CAF_TEST(a line of exactly the limit is not cut) {
  const auto lines = split({std::string(100, 'a'), "\n"}, 100);
  CAF_REQUIRE(lines.size() == 1);
  CAF_CHECK_EQUAL(lines[0], std::string(100, 'a'));
}

CAF_TEST(bytes that are no text are replaced) {
  CAF_CHECK_EQUAL(printable_utf8("a\xFFz"), "a\xEF\xBF\xBDz");
  CAF_CHECK_EQUAL(printable_utf8("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  CAF_CHECK_EQUAL(printable_utf8("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  CAF_CHECK_EQUAL(printable_utf8("\x1B[31mred\t\x7F"), "?[31mred\t?");
  CAF_CHECK_EQUAL(printable_utf8("\xC2\x9B!"), "?!");
  CAF_CHECK_EQUAL(printable_utf8("\xF0\x9F\x98\x80"), "\xF0\x9F\x98\x80");
  CAF_CHECK_EQUAL(printable_utf8("\xF0\x9F\x98"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

CAF_TEST(the ring keeps the newest within its bytes) {
  output_ring ring{64 * 1024};
  for (int i = 0; i < 100'000; ++i)
    ring.push("line " + std::to_string(i));
  CAF_CHECK(ring.bytes() <= 64u * 1024u);
  CAF_CHECK(ring.bytes() > 60u * 1024u);
  const auto last = ring.last(20);
  CAF_REQUIRE(last.size() == 20);
  CAF_CHECK_EQUAL(last.front(), "line 99980");
  CAF_CHECK_EQUAL(last.back(), "line 99999");
  CAF_CHECK_EQUAL(output_ring{}.last(20).size(), 0u);
}
