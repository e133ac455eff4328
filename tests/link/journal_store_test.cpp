// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE journal_store

#include "tests/link/journal_fixture.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sys/stat.h>

using namespace holt;
using namespace holt::link;
using namespace holt::link::test;

CAF_TEST(what was received and answered is found after a new start) {
  journal_dir dir;
  {
    auto j = open_or_fail(dir.options());
    CAF_CHECK_EQUAL(j->damage(), "");
    CAF_CHECK_EQUAL(j->last_activity(), 0);
    CAF_REQUIRE(j->received(key("1"), "f1", R"({"type":"fs.write"})", "", 1'000));
    CAF_REQUIRE(j->received(key("2"), "f2", "{}", "{}", 1'001));
    CAF_REQUIRE(j->planned(key("1"), R"({"before":"x"})"));
    auto row = j->find(key("1")).value();
    CAF_REQUIRE(row.has_value());
    CAF_CHECK_EQUAL(row->command, R"({"type":"fs.write"})");
    CAF_CHECK_EQUAL(row->plan, R"({"before":"x"})");
    CAF_CHECK(!row->done);
    CAF_CHECK_EQUAL(j->done(key("1"), text_with_rseq(), 1'005).value(), 1u);
  }
  auto j = open_or_fail(dir.options());
  CAF_CHECK_EQUAL(j->last_activity(), 1'005);
  auto row = j->find(key("1")).value();
  CAF_REQUIRE(row.has_value());
  CAF_CHECK(row->done);
  CAF_CHECK_EQUAL(row->rseq, 1u);
  CAF_CHECK_EQUAL(row->result, R"({"rseq":1,"what":"ok"})");
  CAF_CHECK_EQUAL(row->fingerprint, "f1");
  CAF_CHECK_EQUAL(row->received_at, 1'000);
  CAF_CHECK_EQUAL(row->done_at, 1'005);
  auto left = j->unfinished().value();
  CAF_REQUIRE_EQUAL(left.size(), 1u);
  CAF_CHECK(left[0].key == key("2"));
  CAF_CHECK_EQUAL(left[0].plan, "{}");
  CAF_CHECK(!j->find(key("3")).value().has_value());
  CAF_CHECK(!j->find(key("1", "b")).value().has_value());
  CAF_CHECK(!j->find(key("1", "a", "other")).value().has_value());
}

CAF_TEST(there is one answer and it needs a command) {
  journal_dir dir;
  auto j = open_or_fail(dir.options());
  CAF_CHECK(j->done(key("1"), text_with_rseq(), 1).error().code == errc::not_found);
  CAF_CHECK(j->planned(key("1"), "{}").error().code == errc::not_found);
  CAF_REQUIRE(j->received(key("1"), "f", "{}", "", 1));
  CAF_REQUIRE(j->done(key("1"), text_with_rseq("first"), 2));
  CAF_CHECK(j->done(key("1"), text_with_rseq("second"), 3).error().code == errc::conflict);
  CAF_CHECK(j->planned(key("1"), "{}").error().code == errc::not_found);
  const auto row = j->find(key("1")).value();
  CAF_CHECK_EQUAL(row->result, R"({"rseq":1,"what":"first"})");
  CAF_CHECK_EQUAL(j->last_rseq(), 1u);
}

CAF_TEST(a command received again takes the place of the former one) {
  journal_dir dir;
  auto j = open_or_fail(dir.options());
  CAF_REQUIRE(j->received(key("1", "anon"), "f", "{1}", "", 1));
  CAF_REQUIRE(j->done(key("1", "anon"), text_with_rseq(), 2));
  CAF_REQUIRE(j->received(key("1", "anon"), "g", "{2}", "", 3));
  auto row = j->find(key("1", "anon")).value();
  CAF_CHECK(!row->done);
  CAF_CHECK_EQUAL(row->result, "");
  CAF_CHECK_EQUAL(row->fingerprint, "g");
  CAF_CHECK_EQUAL(j->unfinished().value().size(), 1u);
  CAF_CHECK(j->unreleased("main", "", 0, 10).value().empty());
  CAF_CHECK_EQUAL(j->done(key("1", "anon"), text_with_rseq(), 4).value(), 2u);
}

CAF_TEST(a position is never given twice) {
  journal_dir dir;
  std::uint64_t last = 0;
  for (int life = 0; life < 4; ++life) {
    auto j = open_or_fail(dir.options());
    CAF_CHECK(j->last_rseq() >= last);
    for (int i = 0; i < 3; ++i) {
      CAF_REQUIRE(j->received(key("1"), "f", "{}", "", 1));
      auto got = j->done(key("1"), text_with_rseq(), 2).value();
      CAF_CHECK(got > last);
      last = got;
      CAF_CHECK_EQUAL(j->release("main", "a", {"1", "none"}).value(), 1u);
    }
  }
}

CAF_TEST(what is not released comes in order and by its agent) {
  journal_dir dir;
  auto j = open_or_fail(dir.options());
  for (int i = 1; i <= 6; ++i) {
    auto k = key(std::to_string(i), i % 2 ? "odd" : "even");
    CAF_REQUIRE(j->received(k, "f", "{}", "", i));
    CAF_REQUIRE(j->done(k, text_with_rseq(), 10 * i));
  }
  auto ids = [](const std::vector<journal_row>& rows) {
    std::string out;
    for (const auto& r : rows)
      out += r.key.id;
    return out;
  };
  CAF_CHECK_EQUAL(ids(j->unreleased("main", "", 0, 100).value()), "123456");
  CAF_CHECK_EQUAL(ids(j->unreleased("main", "odd", 0, 100).value()), "135");
  CAF_CHECK_EQUAL(ids(j->unreleased("main", "odd", 1, 1).value()), "3");
  CAF_CHECK_EQUAL(ids(j->unreleased("main", "", UINT64_MAX, 100).value()), "");
  CAF_CHECK_EQUAL(ids(j->unreleased("other", "", 0, 100).value()), "");
  CAF_CHECK_EQUAL(ids(j->finished_since("main", 40, 100).value()), "456");
  CAF_CHECK_EQUAL(ids(j->finished_since("main", 0, 2).value()), "56");
  CAF_CHECK_EQUAL(j->release("main", "odd", {"3", "4"}).value(), 1u);
  CAF_CHECK_EQUAL(ids(j->unreleased("main", "", 0, 100).value()), "12456");
}

CAF_TEST(what was released is known for a while and has no result) {
  journal_dir dir;
  constexpr wall_ms minute = 60'000;
  {
    auto j = open_or_fail(dir.options());
    CAF_REQUIRE(j->received(key("1"), "f", "{}", "", 0));
    CAF_REQUIRE(j->done(key("1"), text_with_rseq(), 0));
    CAF_CHECK_EQUAL(j->release("main", "a", {"1", "1"}).value(), 1u);
    CAF_CHECK_EQUAL(j->release("main", "a", {"1"}).value(), 0u);
  }
  auto j = open_or_fail(dir.options());
  CAF_CHECK(!j->find(key("1")).value().has_value());
  const auto row = j->find(key("1"), true).value();
  CAF_REQUIRE(row.has_value());
  CAF_CHECK(row->released);
  CAF_CHECK(row->done);
  CAF_CHECK_EQUAL(row->fingerprint, "f");
  CAF_CHECK_EQUAL(row->result, "");
  CAF_CHECK(j->finished_since("main", 0, 10).value().empty());
  CAF_REQUIRE(j->sweep(10 * minute));
  CAF_CHECK(j->find(key("1"), true).value().has_value());
  CAF_REQUIRE(j->sweep(11 * minute));
  CAF_CHECK(!j->find(key("1"), true).value().has_value());
}

CAF_TEST(a release leaves alone what has no answer) {
  journal_dir dir;
  auto j = open_or_fail(dir.options());
  CAF_REQUIRE(j->received(key("1"), "f", "{}", "", 1));
  CAF_CHECK_EQUAL(j->release("main", "a", {"1"}).value(), 0u);
  CAF_CHECK_EQUAL(j->unfinished().value().size(), 1u);
}

CAF_TEST(the sweep forgets what is old or too many but never what is unfinished) {
  journal_dir dir;
  auto how = dir.options();
  how.limits.max_rows = 10;
  how.limits.max_age = std::chrono::hours{1};
  auto j = open_or_fail(how);
  constexpr wall_ms hour = 3'600'000;
  CAF_REQUIRE(j->received(key("open"), "f", "{}", "", 0));
  for (int i = 0; i < 8; ++i) {
    CAF_REQUIRE(j->received(key(std::to_string(i)), "f", "{}", "", i));
    CAF_REQUIRE(j->done(key(std::to_string(i)), text_with_rseq(), i < 3 ? 0 : 2 * hour));
  }
  CAF_CHECK_EQUAL(j->sweep(2 * hour).value(), 3u);
  CAF_CHECK_EQUAL(j->sweep(2 * hour).value(), 0u);
  for (int i = 8; i < 40; ++i) {
    CAF_REQUIRE(j->received(key(std::to_string(i)), "f", "{}", "", i));
    CAF_REQUIRE(j->done(key(std::to_string(i)), text_with_rseq(), 2 * hour));
    CAF_CHECK(j->unreleased("main", "", 0, 100).value().size() <= 10);
  }
  CAF_CHECK(!j->find(key("8")).value().has_value());
  CAF_CHECK(j->find(key("39")).value().has_value());
  CAF_CHECK(j->find(key("open")).value().has_value());
  // A clock that was a year ahead does not keep its rows for a year.
  CAF_REQUIRE(j->received(key("ahead"), "f", "{}", "", 0));
  CAF_REQUIRE(j->done(key("ahead"), text_with_rseq(), 9'000 * hour));
  CAF_REQUIRE(j->sweep(3 * hour + 1));
  CAF_CHECK(!j->find(key("ahead")).value().has_value());
  CAF_CHECK(j->find(key("open")).value().has_value());
}

CAF_TEST(its bytes are bounded in memory and on disk) {
  journal_dir dir;
  auto how = dir.options();
  how.limits.max_bytes = 4 << 20;
  auto j = open_or_fail(how);
  const std::string big(100'000, 'x');
  for (int i = 0; i < 400; ++i) {
    auto k = key(std::to_string(i));
    CAF_REQUIRE(j->received(k, "f", big, "", i));
    CAF_REQUIRE(j->done(
      k, [&](std::uint64_t) { return big; }, i));
  }
  CAF_CHECK(j->unreleased("main", "", 0, 1'000).value().size() <= 41u);
  CAF_REQUIRE(j->sweep(1'000));
  j.reset();
  std::uintmax_t on_disk = 0;
  for (const auto& file : std::filesystem::directory_iterator{dir.path})
    on_disk += file.file_size();
  CAF_MESSAGE("bytes on disk: " << on_disk);
  CAF_CHECK(on_disk < 16u << 20);
  auto again = open_or_fail(how);
  CAF_CHECK(again->find(key("399")).value().has_value());
}

CAF_TEST(a result or a command that is too large is refused and changes nothing) {
  journal_dir dir;
  auto how = dir.options();
  how.limits.max_result = 1'000;
  auto j = open_or_fail(how);
  const std::string big(1'001, 'x');
  CAF_CHECK(j->received(key("1"), "f", big, "", 1).error().code == errc::payload_too_large);
  CAF_REQUIRE(j->received(key("1"), "f", "{}", "", 1));
  CAF_CHECK(j->done(
               key("1"), [&](std::uint64_t) { return big; }, 2)
              .error()
              .code
            == errc::payload_too_large);
  CAF_CHECK(!j->find(key("1")).value()->done);
  CAF_CHECK_EQUAL(j->done(key("1"), text_with_rseq(), 2).value(), 1u);
}

CAF_TEST(texts keep every byte) {
  journal_dir dir;
  auto j = open_or_fail(dir.options());
  const auto odd = std::string("\0\x01\xff", 3) + " \"'; DROP TABLE commands; --\n\xf0\x9f\x98\x80";
  CAF_REQUIRE(j->received(key(odd, odd, odd), odd, odd, odd, 1));
  auto row = j->find(key(odd, odd, odd)).value();
  CAF_REQUIRE(row.has_value());
  CAF_CHECK(row->command == odd);
  CAF_CHECK(row->plan == odd);
  CAF_CHECK(row->key.src == odd);
  CAF_REQUIRE(j->done(
    row->key, [&](std::uint64_t) { return odd; }, 2));
  CAF_CHECK(j->find(row->key).value()->result == odd);
  CAF_REQUIRE(j->set_value(odd, odd));
  CAF_CHECK(j->value(odd).value() == odd);
}

CAF_TEST(small values outlive the daemon) {
  journal_dir dir;
  {
    auto j = open_or_fail(dir.options());
    CAF_CHECK(!j->value("sandbox").value().has_value());
    CAF_REQUIRE(j->set_value("sandbox", "one"));
    CAF_REQUIRE(j->set_value("sandbox", "two"));
  }
  const auto kept = open_or_fail(dir.options())->value("sandbox").value();
  CAF_CHECK_EQUAL(*kept, "two");
}

CAF_TEST(the files are ours alone) {
  journal_dir dir;
  auto j = open_or_fail(dir.options());
  CAF_REQUIRE(j->received(key("1"), "f", "{}", "", 1));
  for (const auto& file : std::filesystem::directory_iterator{dir.path}) {
    struct stat now {};
    CAF_REQUIRE_EQUAL(::stat(file.path().c_str(), &now), 0);
    CAF_CHECK_EQUAL(now.st_mode & 0777u, 0600u);
  }
}

CAF_TEST(a pair of RECEIVED and DONE is cheap) {
  for (auto how : {durability::process, durability::power}) {
    journal_dir dir;
    auto options = dir.options();
    options.safe_against = how;
    auto j = open_or_fail(options);
    const std::string command(300, 'c');
    std::vector<double> received;
    std::vector<double> done;
    const int rounds = how == durability::process ? 5'000 : 200;
    for (int i = 0; i < rounds; ++i) {
      const auto k = key("request_" + std::to_string(i), "0123456789abcdef");
      const auto a = std::chrono::steady_clock::now();
      CAF_REQUIRE(j->received(k, std::string(64, 'f'), command, "", i));
      const auto b = std::chrono::steady_clock::now();
      CAF_REQUIRE(j->done(
        k, [&](std::uint64_t) { return command; }, i));
      const auto c = std::chrono::steady_clock::now();
      received.push_back(std::chrono::duration<double, std::micro>(b - a).count());
      done.push_back(std::chrono::duration<double, std::micro>(c - b).count());
    }
    const auto at = [](std::vector<double>& all, double part) {
      std::sort(all.begin(), all.end());
      return all[static_cast<std::size_t>(part * static_cast<double>(all.size() - 1))];
    };
    std::printf("%s: received p50 %.1f p99 %.1f us, done p50 %.1f p99 %.1f us\n",
                how == durability::process ? "process" : "power", at(received, 0.5),
                at(received, 0.99), at(done, 0.5), at(done, 0.99));
  }
}
