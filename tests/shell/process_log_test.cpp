// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE process_log

#include "shell/process_log.hpp"

#include "check.hpp"
#include "tests/transport/process_fixture.hpp"

#include <caf/all.hpp>

#include <random>

using namespace holt;
using namespace holt::shell;

namespace {

constexpr auto out = output_stream::out;
constexpr auto err = output_stream::err;
constexpr auto terminal = output_stream::terminal;

struct fixture {
  test::temp_dir dir;

  process_log make(std::uint64_t bytes, std::size_t memory, std::size_t entries = 65'536) const {
    return process_log{{bytes, memory, entries, 0}, dir.path.string()};
  }
};

std::string text(const log_page& page) {
  std::string all;
  for (const auto& entry : page.entries)
    all += entry.bytes;
  return all;
}

log_query after(std::uint64_t since) {
  log_query what;
  what.since = since;
  what.max_bytes = SIZE_MAX;
  return what;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(process_log_tests, fixture)

CAF_TEST(entries have numbers and offsets in their own stream) {
  auto log = make(1'000, 1'000);
  log.append(out, "abc", 5);
  log.append(err, "de", 6);
  log.append(out, "f", 7);
  auto page = log.read(after(0));
  CAF_REQUIRE_EQUAL(page.entries.size(), 3u);
  CAF_CHECK_EQUAL(page.entries[2].sequence, 3u);
  CAF_CHECK_EQUAL(page.entries[2].offset, 3u);
  CAF_CHECK_EQUAL(page.entries[1].offset, 0u);
  CAF_CHECK_EQUAL(page.entries[1].timestamp_ms, 6);
  CAF_CHECK_EQUAL(page.next, 3u);
  CAF_CHECK_EQUAL(page.lost.sequence, 0u);
  CAF_CHECK(log.read(after(3)).entries.empty());
  page = log.read(after(99));
  CAF_CHECK_EQUAL(page.next, 3u);
}

CAF_TEST(one stream and the newest few can be asked for) {
  auto log = make(1'000, 1'000);
  for (int i = 0; i < 6; ++i)
    log.append(i % 2 == 0 ? out : err, std::string(1, static_cast<char>('a' + i)), 0);
  auto what = after(0);
  what.stream = out;
  CAF_CHECK_EQUAL(text(log.read(what)), "ace");
  what.tail = 2;
  CAF_CHECK_EQUAL(text(log.read(what)), "ce");
  what.tail = 0;
  CAF_CHECK_EQUAL(text(log.read(what)), "");
  what.tail.reset();
  what.offset = 1;
  CAF_CHECK_EQUAL(text(log.read(what)), "ce");
}

CAF_TEST(an offset in the middle of an entry cuts it) {
  auto log = make(1'000, 1'000);
  log.append(out, "abcdef", 0);
  auto what = after(0);
  what.stream = out;
  what.offset = 4;
  const auto page = log.read(what);
  CAF_REQUIRE_EQUAL(page.entries.size(), 1u);
  CAF_CHECK_EQUAL(page.entries[0].bytes, "ef");
  CAF_CHECK_EQUAL(page.entries[0].offset, 4u);
}

CAF_TEST(a full page says that there is more and goes on without a gap) {
  auto log = make(1'000, 1'000);
  for (int i = 0; i < 10; ++i)
    log.append(out, "0123456789", 0);
  auto what = after(0);
  what.max_bytes = 35;
  auto page = log.read(what);
  CAF_CHECK_EQUAL(page.entries.size(), 3u);
  CAF_CHECK(page.more);
  what.since = page.next;
  page = log.read(what);
  CAF_CHECK_EQUAL(page.entries.front().sequence, 4u);
  what.max_bytes = 1; // one comes in any case
  page = log.read(what);
  CAF_CHECK_EQUAL(page.entries.size(), 1u);
}

CAF_TEST(what does not fit memory comes back from the disk) {
  auto log = make(1'000'000, 1'000);
  std::string all;
  for (int i = 0; i < 5'000; ++i) {
    const auto line = std::to_string(i) + "\n";
    all += line;
    log.append(out, line, 0);
  }
  const auto page = log.read(after(0));
  CAF_CHECK_EQUAL(text(page), all);
  CAF_CHECK_EQUAL(page.lost.sequence, 0u);
}

CAF_TEST(the oldest is forgotten and counted) {
  auto log = make(100, 40);
  for (int i = 0; i < 50; ++i)
    log.append(i % 2 == 0 ? out : err, "0123456789", 0);
  const auto page = log.read(after(0));
  CAF_CHECK_EQUAL(text(page).size(), 100u);
  CAF_CHECK_EQUAL(page.lost.bytes, 400u);
  CAF_CHECK_EQUAL(page.lost.sequence, 40u);
  auto what = after(0);
  what.stream = err;
  auto lost = log.read(what).lost;
  CAF_CHECK_EQUAL(lost.bytes, 200u);
  what.tail = 1;
  lost = log.read(what).lost;
  CAF_CHECK_EQUAL(lost.sequence, 0u);
  CAF_CHECK_EQUAL(log.first(out), 200u);
  CAF_CHECK_EQUAL(log.total(out), 250u);
}

CAF_TEST(a reader who had read before loses only what came since) {
  auto log = make(100, 100);
  for (int i = 0; i < 30; ++i)
    log.append(out, "0123456789", 0);
  auto what = after(15);
  auto lost = log.read(what).lost;
  CAF_CHECK_EQUAL(lost.sequence, 20u);
  CAF_CHECK_EQUAL(lost.bytes, 0u); // not known
  what.seen = std::array<std::uint64_t, 3>{150, 0, 0};
  lost = log.read(what).lost;
  CAF_CHECK_EQUAL(lost.bytes, 50u);
}

CAF_TEST(one entry larger than everything stays) {
  auto log = make(100, 40);
  log.append(out, std::string(30, 'a'), 0);
  log.append(out, std::string(500, 'b'), 0);
  CAF_CHECK_EQUAL(text(log.read(after(0))), std::string(500, 'b'));
  log.append(out, "c", 0);
  const auto rest = text(log.read(after(1)));
  CAF_CHECK_EQUAL(rest.back(), 'c');
}

CAF_TEST(many small entries are bounded too) {
  auto log = make(1'000'000, 1'000, 100);
  for (int i = 0; i < 1'000; ++i)
    log.append(out, "x", 0);
  const auto page = log.read(after(0));
  CAF_CHECK_EQUAL(page.entries.size(), 100u);
  CAF_CHECK_EQUAL(page.lost.bytes, 900u);
}

CAF_TEST(without a disk the memory is what is kept) {
  process_log log{{1'000'000, 1'000, 65'536}, dir.path.string() + "/not-there"};
  for (int i = 0; i < 1'000; ++i)
    log.append(terminal, "0123456789", 0);
  const auto page = log.read(after(0));
  CAF_CHECK(text(page).size() <= 1'000u);
  CAF_CHECK(text(page).size() >= 500u);
  CAF_CHECK_EQUAL(page.lost.bytes + text(page).size(), 10'000u);
}

CAF_TEST(raw bytes are read from any offset and what is lost is named) {
  auto log = make(100, 40);
  std::string all;
  for (int i = 0; i < 30; ++i) {
    all += std::to_string(100 + i);
    log.append(terminal, std::to_string(100 + i), 0);
  }
  auto piece = log.read_bytes(terminal, 50, 20);
  CAF_CHECK_EQUAL(piece.bytes, all.substr(50, 20));
  CAF_CHECK_EQUAL(piece.lost, 0u);
  log.append(terminal, std::string(60, 'z'), 0);
  piece = log.read_bytes(terminal, 0, 1'000);
  CAF_CHECK_EQUAL(piece.offset, log.first(terminal));
  CAF_CHECK_EQUAL(piece.lost, piece.offset);
  CAF_CHECK_EQUAL(piece.bytes, (all + std::string(60, 'z')).substr(piece.offset));
  CAF_CHECK(log.read_bytes(terminal, 150, 10).bytes.empty());
}

CAF_TEST(a random log equals a plain one from every cursor) {
  const auto* given = std::getenv("HOLT_SEED");
  const auto seed
    = given ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  CAF_MESSAGE("HOLT_SEED=" << seed);
  std::mt19937 random{seed};
  auto log = make(3'000, 500);
  std::string all[2];
  std::uint64_t cursor = 0;
  std::array<std::uint64_t, 3> seen{};
  for (int i = 0; i < 3'000; ++i) {
    const auto which = random() % 2;
    const std::string bytes(1 + random() % 120, static_cast<char>('a' + random() % 26));
    all[which] += bytes;
    log.append(which == 0 ? out : err, bytes, i);
    if (random() % 8 != 0)
      continue;
    auto what = after(cursor);
    what.seen = seen;
    what.max_bytes = random() % 2'000;
    const auto page = log.read(what);
    auto lost = page.lost.bytes;
    for (const auto& entry : page.entries) {
      const auto k = entry.stream == out ? 0u : 1u;
      CAF_REQUIRE(entry.offset >= seen[k]);
      lost -= entry.offset - seen[k];
      CAF_REQUIRE_EQUAL(entry.bytes, all[k].substr(entry.offset, entry.bytes.size()));
      seen[k] = entry.offset + entry.bytes.size();
    }
    cursor = page.next;
    if (!page.more)
      CAF_REQUIRE_EQUAL(cursor, log.last_sequence());
    if (lost > 0) // of a stream that did not come on this page
      seen = {log.first(out) > seen[0] ? log.first(out) : seen[0],
              log.first(err) > seen[1] ? log.first(err) : seen[1], 0};
  }
}

CAF_TEST(a reader presses when half of what is kept is behind it) {
  auto log = make(1'000, 100, 10);
  CAF_CHECK(!log.presses(0));
  log.append(out, std::string(500, 'a'), 0);
  CAF_CHECK(!log.presses(0));
  log.append(err, "b", 0);
  CAF_CHECK(log.presses(0));
  CAF_CHECK(!log.presses(1));
  for (int i = 0; i < 6; ++i)
    log.append(out, "c", 0);
  CAF_CHECK(log.presses(2)); // half of the entries
  CAF_CHECK(!log.presses(3));
  CAF_CHECK(!log.presses(8));
}

CAF_TEST(a reader presses before one more read could cost it something) {
  process_log log{{100'000, 100'000, 1'000, 64 * 1024}, dir.path.string()};
  log.append(out, std::string(30'000, 'a'), 0);
  CAF_CHECK(!log.presses(0));
  log.append(out, std::string(10'000, 'b'), 0);
  CAF_CHECK(log.presses(0));
}

CAF_TEST(without a disk a reader presses while what it lacks is in memory) {
  process_log log{{1'000'000, 100, 1'000}, "/nowhere"};
  for (int i = 0; i < 12; ++i)
    log.append(out, std::string(10, 'x'), 0);
  const auto first = log.first(out); // the disk failed: these are gone
  CAF_REQUIRE(first > 0);
  auto has = log.last_sequence();
  for (int i = 0; i < 50; ++i) {
    log.append(out, std::string(10, 'y'), 0);
    if (!log.presses(has))
      continue;
    const auto page = log.read(after(has));
    CAF_REQUIRE_EQUAL(page.lost.sequence, 0u);
    CAF_REQUIRE_EQUAL(page.entries.front().sequence, has + 1);
    has = page.next;
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
