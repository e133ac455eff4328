// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE live_output

#include "actors/live_output.hpp"
#include "actors/result_fit.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;
using shell::shell_stream;

namespace {

auto no_secrets = std::make_shared<const secret_mask>(std::vector<std::string>{});

std::string all_of(live_output& live) {
  std::string out;
  while (auto piece = live.next_chunk())
    out += piece->bytes;
  return out;
}

} // namespace

CAF_TEST(the worker is told once until it listens again) {
  live_output live{true, no_secrets};
  CAF_CHECK(live.add(shell_stream::out, 0, "a"));
  CAF_CHECK(!live.add(shell_stream::out, 1, "b"));
  live.hear();
  CAF_CHECK(live.add(shell_stream::out, 2, "c"));
}

CAF_TEST(what comes in small pieces goes out in one) {
  live_output live{true, no_secrets};
  live.add(shell_stream::out, 0, "one ");
  live.add(shell_stream::err, 0, "wrong");
  live.add(shell_stream::out, 4, "two");
  auto first = live.next_chunk();
  CAF_REQUIRE(first);
  CAF_CHECK_EQUAL(first->bytes, "one two");
  CAF_CHECK_EQUAL(first->off, 0u);
  auto second = live.next_chunk();
  CAF_REQUIRE(second);
  CAF_CHECK(second->stream == shell_stream::err);
  CAF_CHECK_EQUAL(second->bytes, "wrong");
  CAF_CHECK(!live.next_chunk());
}

CAF_TEST(no piece ends within a character) {
  live_limits limits;
  limits.piece = 5;
  live_output live{true, no_secrets, limits};
  const std::string text = "grüße 世界 🙂!";
  for (std::size_t i = 0; i < text.size(); ++i) {
    live.add(shell_stream::out, i, text.substr(i, 1));
    while (auto piece = live.next_chunk())
      CAF_CHECK(is_utf8(piece->bytes));
  }
  live.add(shell_stream::out, text.size(), text);
  std::string out;
  live.finish();
  while (auto piece = live.next_chunk()) {
    CAF_CHECK(is_utf8(piece->bytes));
    CAF_CHECK(piece->bytes.size() <= 5);
    out += piece->bytes;
  }
  CAF_CHECK_EQUAL(out, text);
}

CAF_TEST(half a character at the very end comes out as bytes) {
  live_output live{true, no_secrets};
  live.add(shell_stream::out, 0, "ab\xe4\xb8");
  auto first = live.next_chunk();
  CAF_REQUIRE(first);
  CAF_CHECK_EQUAL(first->bytes, "ab");
  CAF_CHECK(!live.next_chunk());
  live.finish();
  auto last = live.next_chunk();
  CAF_REQUIRE(last);
  CAF_CHECK_EQUAL(last->bytes, "\xe4\xb8");
  CAF_CHECK_EQUAL(last->off, 2u);
}

CAF_TEST(a flood is bounded and the offsets tell what is missing) {
  live_limits limits;
  limits.waiting = 1000;
  live_output live{true, no_secrets, limits};
  for (std::uint64_t i = 0; i < 100; ++i)
    live.add(shell_stream::out, i * 100, std::string(100, 'x'));
  auto first = live.next_chunk();
  CAF_REQUIRE(first);
  CAF_CHECK_EQUAL(first->off, 9000u);
  CAF_CHECK_EQUAL(first->bytes.size(), 1000u);
  live.add(shell_stream::out, 10'000, "y");
  CAF_CHECK_EQUAL(all_of(live), "y");
}

CAF_TEST(the feed sees no secret also across pieces) {
  auto mask = std::make_shared<const secret_mask>(std::vector<std::string>{"hunter2"});
  live_output live{false, mask};
  live.add(shell_stream::out, 0, "password hun");
  live.add(shell_stream::out, 12, "ter2 done");
  live.finish();
  std::string out;
  while (auto piece = live.next_feed())
    out += piece->bytes;
  CAF_CHECK_EQUAL(out, "password *** done");
  CAF_CHECK(!live.next_chunk());
}

CAF_TEST(an answer that fits stays as it is) {
  command_outcome outcome;
  outcome.fields = {{"content", std::string(1000, 'a')}};
  CAF_CHECK(!too_large_for("id", outcome, 256'000));
  CAF_CHECK_EQUAL(outcome.fields["content"].get<std::string>().size(), 1000u);
}

CAF_TEST(a content above the limit is taken out raw) {
  command_outcome outcome;
  std::string bytes(300'000, '\xff');
  put_bytes(outcome.fields, "content", bytes);
  auto big = too_large_for("id", outcome, 256'000);
  CAF_REQUIRE(big);
  CAF_CHECK_EQUAL(big->name, "content");
  CAF_CHECK(big->bytes == bytes);
}

CAF_TEST(output of a shell is cut to head and tail with honest totals) {
  for (auto byte : {'a', '"', '\x01'}) {
    command_outcome outcome;
    outcome.fields = {{"stdout", "HEAD" + std::string(400'000, byte) + "TAIL"},
                      {"stderr", "small"},
                      {"exit_code", 0}};
    CAF_REQUIRE(too_large_for("id", outcome, 256'000));
    cut_output("id", outcome, 256'000);
    CAF_CHECK(result_message("id", outcome).dump().size() <= 256'000);
    auto text = outcome.fields["stdout"].get<std::string>();
    CAF_CHECK(text.starts_with("HEAD"));
    CAF_CHECK(text.ends_with("TAIL"));
    CAF_CHECK(text.size() > 20'000);
    CAF_CHECK_EQUAL(outcome.fields["stderr"], "small");
    CAF_CHECK_EQUAL(outcome.fields["stdout_bytes"], 400'008);
    CAF_CHECK_EQUAL(outcome.fields["truncated"], true);
  }
}

CAF_TEST(pieces cover everything once) {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += "ä世🙂x";
  std::size_t off = 0;
  std::size_t count = 0;
  while (off < text.size()) {
    auto piece = next_piece(text, off, 100);
    CAF_REQUIRE(!piece.empty());
    CAF_CHECK(is_utf8(piece));
    off += piece.size();
    ++count;
  }
  CAF_CHECK_EQUAL(off, text.size());
  CAF_CHECK_EQUAL(count, count_pieces(text, 100));
  CAF_CHECK_EQUAL(count_pieces("", 100), 0u);
}
