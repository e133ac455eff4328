// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE file_edits

#include "tests/files/files_fixture.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <thread>

using namespace holt;
using namespace holt::test;
namespace fs = std::filesystem;

namespace {
const std::string no_hash(64, '0');
} // namespace

// -- edit

CAF_TEST(edits are made in order and all or none) {
  workspace ws;
  spit(ws.root / "f", "one two two three");
  ::chmod((ws.root / "f").c_str(), 0640);
  auto edit = [&](json edits) {
    return ws.run({{"type", "fs.edit"}, {"path", "f"}, {"edits", std::move(edits)}});
  };
  auto done = edit({{{"old", "one"}, {"new", "two"}},
                    {{"old", "two"}, {"new", "2"}, {"all", true}},
                    {{"old", "three"}, {"new", ""}}});
  CAF_REQUIRE(done.ok());
  CAF_CHECK_EQUAL(field(done, "replacements"), 5u);
  CAF_CHECK_EQUAL(ws("f"), "2 2 2 ");
  CAF_CHECK_EQUAL(mode_of(ws.root / "f"), 0640u);
  auto read = ws.run({{"type", "fs.read"}, {"path", "f"}});
  CAF_CHECK_EQUAL(field(done, "sha256"), field(read, "sha256"));
  auto ambiguous = edit({{{"old", " "}, {"new", "_"}}});
  CAF_CHECK(ambiguous.code == errc::conflict);
  CAF_CHECK_EQUAL(field(ambiguous, "occurrences"), 3u);
  CAF_CHECK(ambiguous.detail.find("3 times") != std::string::npos);
  auto second = edit({{{"old", "2 2 2"}, {"new", "x"}}, {{"old", "none"}, {"new", ""}}});
  CAF_CHECK(second.code == errc::conflict);
  CAF_CHECK_EQUAL(field(second, "edit"), 1u);
  CAF_CHECK_EQUAL(field(second, "occurrences"), 0u);
  CAF_CHECK_EQUAL(ws("f"), "2 2 2 ");
  spit(ws.root / "f", "a\r\nb\r\n");
  CAF_CHECK(edit({{{"old", "a\nb"}, {"new", "c"}}}).detail.find("CR LF") != std::string::npos);
  CAF_CHECK(
    ws.run({{"type", "fs.edit"}, {"path", "none"}, {"edits", {{{"old", "a"}, {"new", "b"}}}}}).code
    == errc::not_found);
  CAF_CHECK(ws.run({{"type", "fs.edit"},
                    {"path", "f"},
                    {"if_match", no_hash},
                    {"edits", {{{"old", "a"}, {"new", "b"}}}}})
              .code
            == errc::conflict);
}

CAF_TEST(an edit is what replacing by hand makes of it) {
  workspace ws;
  std::mt19937_64 random{seed()};
  auto word = [&](std::size_t most) {
    std::string out;
    for (auto n = random() % most + 1; n > 0; --n)
      out += "ab"[random() % 2];
    return out;
  };
  for (int round = 0; round < 500; ++round) {
    auto text = word(60);
    const auto old = word(round % 2 == 0 ? 3 : 20);
    const auto next = word(4);
    const bool all = random() % 2 == 0;
    spit(ws.root / "f", text);
    auto got = ws.run({{"type", "fs.edit"},
                       {"path", "f"},
                       {"edits", {{{"old", old}, {"new", next}, {"all", all}}}}});
    std::string expected;
    std::size_t count = 0;
    for (std::size_t i = 0; i < text.size();) {
      if (text.compare(i, old.size(), old) == 0) {
        expected += next;
        i += old.size();
        ++count;
      } else {
        expected += text[i++];
      }
    }
    if (count == 0 || (count > 1 && !all)) {
      CAF_CHECK(got.code == errc::conflict);
      CAF_CHECK_EQUAL(field(got, "occurrences"), count);
      CAF_CHECK_EQUAL(ws("f"), text);
    } else {
      CAF_CHECK(got.ok());
      CAF_CHECK_EQUAL(ws("f"), expected);
    }
  }
}

CAF_TEST(edits of one file at a time all count) {
  workspace ws;
  std::string text;
  for (int i = 0; i < 64; ++i)
    text += "<" + std::to_string(i) + ">";
  spit(ws.root / "f", text);
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = t; i < 64; i += 4)
        if (!ws.run({{"type", "fs.edit"},
                     {"path", "f"},
                     {"edits", {{{"old", "<" + std::to_string(i) + ">"}, {"new", "."}}}}})
               .ok())
          ++failed;
    });
  for (auto& one : threads)
    one.join();
  CAF_CHECK_EQUAL(failed.load(), 0);
  CAF_CHECK_EQUAL(ws("f"), std::string(64, '.'));
}
