// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE file_search

#include "tests/files/files_fixture.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <atomic>

using namespace holt;
using namespace holt::test;
namespace fs = std::filesystem;

namespace {
const std::string no_hash(64, '0');
} // namespace

// -- glob, grep

CAF_TEST(glob finds paths in order) {
  workspace ws;
  for (const char* dir : {"src/deep/er", ".git", "a.d", "src/.hid"})
    fs::create_directories(ws.root / dir);
  for (const char* name : {"main.py", "src/x.py", "src/y.ts", "src/deep/z.py", "src/deep/er/w.py",
                           ".git/c.py", "src/.hid/h.py", "a.d/q.tsx", "src/1.c", "src/2.c"})
    spit(ws.root / name, "");
  fs::create_symlink("src", ws.root / "linked");
  auto glob = [&](const char* pattern, json more = json::object()) {
    more.update({{"type", "fs.glob"}, {"pattern", pattern}, {"brief", true}});
    auto got = ws.run(more);
    CAF_CHECK(got.ok());
    return paths(field(got, "matches"));
  };
  CAF_CHECK(glob("./*.py") == below(ws.root, {"main.py"}));
  CAF_CHECK(glob("*.py") == glob("**/*.py"));
  CAF_CHECK(glob("x.py") == below(ws.root, {"src/x.py"}));
  CAF_CHECK(glob("src/\\x.p\\y") == below(ws.root, {"src/x.py"}));
  CAF_CHECK(glob("**/*.py")
            == below(ws.root, {"main.py", "src/deep/er/w.py", "src/deep/z.py", "src/x.py"}));
  CAF_CHECK(glob("src/**")
            == below(ws.root, {"src/1.c", "src/2.c", "src/deep", "src/deep/er", "src/deep/er/w.py",
                               "src/deep/z.py", "src/x.py", "src/y.ts"}));
  CAF_CHECK(glob("**/*.py", {{"hidden", true}}).size() == 6);
  CAF_CHECK(glob(".git/*") == below(ws.root, {".git/c.py"}));
  CAF_CHECK(glob("src/[!2-9].c") == below(ws.root, {"src/1.c"}));
  CAF_CHECK(glob("src/?.c").size() == 2);
  CAF_CHECK(glob("**/*.{ts,tsx}") == below(ws.root, {"a.d/q.tsx", "src/y.ts"}));
  CAF_CHECK(glob("./*", {{"kind", "file"}}) == below(ws.root, {"main.py"}));
  CAF_CHECK(glob("./*", {{"kind", "directory"}}) == below(ws.root, {"a.d", "linked", "src"}));
  CAF_CHECK(glob("*/") == below(ws.root, {"a.d", "linked", "src"}));
  CAF_CHECK(glob("linked/*.c") == below(ws.root, {"linked/1.c", "linked/2.c"}));
  CAF_CHECK(glob("src/none/*").empty());
  CAF_CHECK(glob("src/x.py") == below(ws.root, {"src/x.py"}));
  CAF_CHECK(glob((ws.root / "src/*.c").c_str()) == below(ws.root, {"src/1.c", "src/2.c"}));
  CAF_CHECK(glob("/workspace/src/*.ts") == std::vector<std::string>{"/workspace/src/y.ts"});
  CAF_CHECK(glob("*.c", {{"path", "src"}}).size() == 2);
  auto limited = ws.run({{"type", "fs.glob"}, {"pattern", "**/*"}, {"limit", 3}});
  CAF_CHECK_EQUAL(field(limited, "matches").size(), 3u);
  CAF_CHECK_EQUAL(field(limited, "truncated"), true);
  CAF_CHECK_EQUAL(field(limited, "truncation_reason"), "limit");
  CAF_CHECK(ws.run({{"type", "fs.glob"}, {"pattern", "*"}, {"path", "none"}}).code
            == errc::not_found);
  CAF_CHECK(ws.run({{"type", "fs.glob"}, {"pattern", "/etc/*"}}).code == errc::denied);
  CAF_CHECK(ws.run({{"type", "fs.glob"}, {"pattern", "/**"}}).code == errc::denied);
}

CAF_TEST(grep finds lines with what surrounds them) {
  workspace ws;
  fs::create_directories(ws.root / ".git");
  fs::create_directories(ws.root / "src");
  spit(ws.root / "src/a.py", "import os\nx = 1\nprint(os.name)\n");
  spit(ws.root / "b.txt", "OS\r\nos.x\r\n");
  spit(ws.root / ".git/c", "os");
  spit(ws.root / "binary", std::string("os\0os", 5));
  spit(ws.root / "closed", "os");
  ::chmod((ws.root / "closed").c_str(), 0);
  ::mkfifo((ws.root / "fifo").c_str(), 0644);
  auto grep = [&](const char* pattern, json more = json::object()) {
    more.update({{"type", "fs.grep"}, {"pattern", pattern}});
    return ws.run(more);
  };
  auto all = grep("os", {{"context", 1}});
  CAF_REQUIRE(all.ok());
  auto matches = field(all, "matches");
  CAF_REQUIRE_EQUAL(matches.size(), 3u);
  CAF_CHECK_EQUAL(matches[0]["path"], (ws.root / "b.txt").string());
  CAF_CHECK_EQUAL(matches[0]["line"], 2);
  CAF_CHECK_EQUAL(matches[0]["text"], "os.x");
  CAF_CHECK_EQUAL(matches[0]["before"], json::array({"OS"}));
  CAF_CHECK_EQUAL(matches[2]["text"], "print(os.name)");
  CAF_CHECK_EQUAL(matches[2]["column"], 7);
  CAF_CHECK_EQUAL(matches[2]["before"], json::array({"x = 1"}));
  CAF_CHECK(!matches[2].contains("after"));
  CAF_CHECK_EQUAL(field(all, "unreadable"), 1u);
  CAF_CHECK_EQUAL(field(all, "truncated"), false);
  auto count = [&](const char* pattern, json more = json::object()) {
    return field(grep(pattern, std::move(more)), "matches").size();
  };
  CAF_CHECK_EQUAL(count("os", {{"ignore_case", true}}), 4u);
  CAF_CHECK_EQUAL(count("o.", {{"regex", true}}), 3u);
  CAF_CHECK_EQUAL(count("o."), 0u);
  CAF_CHECK_EQUAL(count("^print", {{"regex", true}}), 1u);
  CAF_CHECK_EQUAL(count("name\\)$", {{"regex", true}}), 1u);
  CAF_CHECK_EQUAL(count("os", {{"glob", "*.py"}}), 2u);
  CAF_CHECK_EQUAL(count("os", {{"glob", "src/**"}}), 2u);
  CAF_CHECK_EQUAL(count("os", {{"path", "b.txt"}}), 1u);
  CAF_CHECK_EQUAL(count("os", {{"exclude", json::array()}}), 4u);
  CAF_CHECK_EQUAL(count("os", {{"skip", {"src"}}}), 2u);
  CAF_CHECK_EQUAL(count("os", {{"limit", 1}}), 1u);
  CAF_CHECK_EQUAL(count("os", {{"binary", true}}), 4u);
  CAF_CHECK_EQUAL(count("os", {{"max_per_file", 1}}), 2u);
  CAF_CHECK_EQUAL(count("os", {{"files_only", true}}), 2u);
  CAF_CHECK_EQUAL(count("os", {{"word", true}}), 3u);
  CAF_CHECK_EQUAL(count("[^a]\\s", {{"regex", true}, {"path", "src"}}), 2u);
  auto limited = grep("os", {{"max_count", 2}});
  CAF_CHECK_EQUAL(field(limited, "matches").size(), 2u);
  CAF_CHECK_EQUAL(field(limited, "truncated"), true);
  CAF_CHECK_EQUAL(field(grep("os", {{"max_count", 3}}), "truncated"), false);
}

CAF_TEST(a long line is cut around its match) {
  workspace ws;
  spit(ws.root / "min.js", std::string(100'000, 'x') + "NEEDLE" + std::string(100'000, 'y'));
  auto got = ws.run({{"type", "fs.grep"}, {"pattern", "NEEDLE"}});
  auto match = field(got, "matches")[0];
  CAF_CHECK_EQUAL(match["cut"], true);
  CAF_CHECK(match["text"].get<std::string>().size() <= 4096);
  CAF_CHECK(match["text"].get<std::string>().find("NEEDLE") != std::string::npos);
  CAF_CHECK_EQUAL(match["column"], 100'001);
}

// -- uploads, cancel

CAF_TEST(an upload comes in pieces and is committed once its hash is right) {
  workspace ws;
  std::string all(1'300'000, '\0');
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] = static_cast<char>(i * 31 >> 3);
  constexpr std::size_t piece = 500'000;
  for (std::size_t off : {piece * 2, std::size_t{0}, piece, piece}) {
    auto put = ws.run({{"type", "fs.put"},
                       {"upload", "u"},
                       {"off", off},
                       {"data", to_base64(all.substr(off, piece))},
                       {"encoding", "base64"}});
    CAF_REQUIRE(put.ok());
  }
  spit(ws.root / "same", all);
  auto hash = field(ws.run({{"type", "fs.stat"}, {"path", "same"}, {"hash", true}}), "sha256");
  auto commit = [&](const json& sha256) {
    return ws.run({{"type", "fs.write"}, {"path", "up/load"}, {"upload", "u"}, {"sha256", sha256}});
  };
  CAF_CHECK(commit(no_hash).code == errc::conflict);
  CAF_CHECK(!fs::exists(ws.root / "up"));
  auto done = commit(hash);
  CAF_REQUIRE(done.ok());
  CAF_CHECK_EQUAL(field(done, "bytes"), all.size());
  CAF_CHECK(ws("up/load") == all);
  CAF_CHECK(names_of(ws.context.upload_dir).empty());
  CAF_CHECK(commit(hash).code == errc::not_found);
  CAF_CHECK(ws.run({{"type", "fs.put"}, {"upload", "u"}, {"data", std::string(600'000, 'x')}}).code
            == errc::payload_too_large);
  ws.context.upload_dir.clear();
  CAF_CHECK(ws.run({{"type", "fs.put"}, {"upload", "u"}, {"data", "x"}}).code == errc::unsupported);
}

CAF_TEST(old uploads and what a crash left are swept and what lives is not ) {
  workspace ws;
  ws.run({{"type", "fs.put"}, {"upload", "old"}, {"data", "x"}});
  ws.run({{"type", "fs.put"}, {"upload", "young"}, {"data", "x"}});
  const fs::path uploads = ws.context.upload_dir;
  const std::string one = names_of(uploads)[0];
  fs::last_write_time(uploads / one, fs::file_time_type::clock::now() - std::chrono::hours{2});
  spit(ws.root / ".holt-0123456789abcdef", "half");
  fs::create_directories(ws.root / ".holt-0123456789abcde0/x");
  spit(ws.root / ".holt-something else", "a person's");
  std::size_t swept = 0;
  ws.context.at_step = [&](std::string_view step) {
    if (step == "temp_half") // a write at work is left alone
      swept = files::sweep_leftovers(ws.context, {ws.root});
  };
  CAF_CHECK(ws.run({{"type", "fs.write"}, {"path", "f"}, {"content", "abc"}}).ok());
  CAF_CHECK_EQUAL(swept, 3u);
  CAF_CHECK(names_of(ws.root) == (std::vector<std::string>{".holt-something else", "f"}));
  CAF_CHECK_EQUAL(names_of(uploads).size(), 1u);
}

CAF_TEST(a cancelled command leaves nothing half done) {
  for (const char* at : {"temp_created", "temp_half", "temp_written", "temp_synced"}) {
    workspace ws;
    spit(ws.root / "f", "old");
    std::atomic<bool> cancelled{false};
    ws.context.cancelled = &cancelled;
    ws.context.at_step = [&](std::string_view step) { cancelled = cancelled || step == at; };
    auto got = ws.run({{"type", "fs.write"}, {"path", "f"}, {"content", "new"}});
    CAF_CHECK(got.code == errc::cancelled);
    CAF_CHECK_EQUAL(ws("f"), "old");
    CAF_CHECK_EQUAL(names_of(ws.root).size(), 1u);
  }
  workspace ws;
  std::atomic<bool> cancelled{true};
  ws.context.cancelled = &cancelled;
  for (const char* type : {"fs.list", "fs.tree"})
    CAF_CHECK(ws.run({{"type", type}, {"path", "."}}).code == errc::cancelled);
}
