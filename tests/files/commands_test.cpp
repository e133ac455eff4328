// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE file_commands

#include "tests/files/files_fixture.hpp"

#include <caf/all.hpp>
#include <caf/test/unit_test.hpp>

#include <atomic>
#include <fcntl.h>
#include <thread>

using namespace holt;
using namespace holt::test;
namespace fs = std::filesystem;

namespace {

const std::string no_hash(64, '0');

/// One value of an answer, as a copy.
json field(const command_outcome& from, const char* name) {
  return from.fields.value(name, json{});
}

std::vector<std::string> paths(const json& array) {
  std::vector<std::string> out;
  for (const auto& one : array)
    out.push_back(one.is_string() ? one.get<std::string>() : one["path"].get<std::string>());
  return out;
}

std::vector<std::string> below(const fs::path& root, std::vector<std::string> names) {
  for (auto& name : names)
    name = root.string() + "/" + name;
  return names;
}

} // namespace

// -- write

CAF_TEST(a write makes parents and says what it made) {
  workspace ws;
  auto made = ws.run({{"type", "fs.write"}, {"path", "a/b/c.txt"}, {"content", "one"}});
  CAF_REQUIRE(made.ok());
  CAF_CHECK_EQUAL(field(made, "created"), true);
  CAF_CHECK_EQUAL(field(made, "bytes"), 3u);
  auto again = ws.run({{"type", "fs.write"}, {"path", "a/b/c.txt"}, {"content", "two"}});
  CAF_CHECK_EQUAL(field(again, "created"), false);
  CAF_CHECK_EQUAL(ws("a/b/c.txt"), "two");
  auto read = ws.run({{"type", "fs.read"}, {"path", "a/b/c.txt"}});
  CAF_CHECK_EQUAL(field(read, "sha256"), field(again, "sha256"));
  CAF_CHECK_EQUAL(names_of(ws.root / "a/b").size(), 1u);
}

CAF_TEST(a write keeps mode and owner and the link that led there) {
  workspace ws;
  spit(ws.root / "script", "old");
  ::chmod((ws.root / "script").c_str(), 0751);
  fs::create_symlink("script", ws.root / "link");
  const bool root = ::geteuid() == 0;
  if (root)
    CAF_REQUIRE(::chown((ws.root / "script").c_str(), 1234, 1235) == 0);
  CAF_REQUIRE(ws.run({{"type", "fs.write"}, {"path", "link"}, {"content", "new"}}).ok());
  CAF_CHECK_EQUAL(ws("script"), "new");
  CAF_CHECK(fs::is_symlink(ws.root / "link"));
  CAF_CHECK_EQUAL(mode_of(ws.root / "script"), 0751u);
  struct stat now {};
  CAF_REQUIRE(::stat((ws.root / "script").c_str(), &now) == 0);
  if (root)
    CAF_CHECK(now.st_uid == 1234 && now.st_gid == 1235);
}

CAF_TEST(a given mode is set whatever the mask and set user id is cleared by a write) {
  workspace ws;
  for (const auto& mode : {json("0600"), json("600"), json(0600)})
    CAF_CHECK(ws.run({{"type", "fs.write"}, {"path", "f"}, {"content", ""}, {"mode", mode}}).ok());
  CAF_CHECK_EQUAL(mode_of(ws.root / "f"), 0600u);
  const auto mask = ::umask(077);
  ws.run({{"type", "fs.write"}, {"path", "open"}, {"content", ""}, {"mode", "0666"}});
  ws.run({{"type", "fs.mkdir"}, {"path", "dir"}, {"mode", "0777"}});
  ws.run({{"type", "fs.write"}, {"path", "masked"}, {"content", ""}});
  ::umask(mask);
  CAF_CHECK_EQUAL(mode_of(ws.root / "open"), 0666u);
  CAF_CHECK_EQUAL(mode_of(ws.root / "dir"), 0777u);
  CAF_CHECK_EQUAL(mode_of(ws.root / "masked"), 0600u);
  ::chmod((ws.root / "open").c_str(), 06755);
  ws.run({{"type", "fs.write"}, {"path", "open"}, {"content", "x"}});
  CAF_CHECK_EQUAL(mode_of(ws.root / "open"), 0755u);
  for (const auto& bad : {json("0999"), json("rw"), json(04755), json(-1), json(""), json("77777")})
    CAF_CHECK(ws.run({{"type", "fs.write"}, {"path", "f"}, {"content", ""}, {"mode", bad}}).code
              == errc::invalid_request);
}

CAF_TEST(what root makes in the folder of another belongs to the other) {
  if (::geteuid() != 0) {
    std::puts("SKIPPED owner of new files: needs root");
    return;
  }
  workspace ws;
  CAF_REQUIRE(::chown(ws.root.c_str(), 1234, 1235) == 0);
  ws.run({{"type", "fs.write"}, {"path", "a/b/f"}, {"content", ""}});
  ws.run({{"type", "fs.mkdir"}, {"path", "c/d"}});
  for (const char* name : {"a", "a/b", "a/b/f", "c", "c/d"}) {
    struct stat now {};
    CAF_REQUIRE(::stat((ws.root / name).c_str(), &now) == 0);
    CAF_CHECK(now.st_uid == 1234 && now.st_gid == 1235);
  }
}

CAF_TEST(a read is spared its content while the hash is right) {
  workspace ws;
  spit(ws.root / "f", "one");
  auto hash = field(ws.run({{"type", "fs.read"}, {"path", "f"}}), "sha256");
  json again{{"type", "fs.read"}, {"path", "f"}, {"if_none_match", hash}};
  auto same = ws.run(again);
  CAF_CHECK(same.ok());
  CAF_CHECK(same.fields.value("not_modified", false));
  CAF_CHECK(!same.fields.contains("content"));
  spit(ws.root / "f", "two");
  auto other = ws.run(again);
  CAF_CHECK(!other.fields.contains("not_modified"));
  CAF_CHECK_EQUAL(field(other, "content"), "two");
  again["if_none_match"] = "no hash";
  CAF_CHECK(ws.run(again).code == errc::invalid_request);
}

CAF_TEST(a stat names its kind beside the type of the answer) {
  workspace ws;
  spit(ws.root / "f", "one");
  CAF_CHECK_EQUAL(field(ws.run({{"type", "fs.stat"}, {"path", "f"}}), "kind"), "file");
  CAF_CHECK_EQUAL(field(ws.run({{"type", "fs.stat"}, {"path", "."}}), "kind"), "directory");
}

CAF_TEST(if_match holds or nothing is written) {
  workspace ws;
  spit(ws.root / "f", "one");
  auto hash = field(ws.run({{"type", "fs.read"}, {"path", "f"}}), "sha256");
  auto write = [&](const json& match, const char* content) {
    return ws.run({{"type", "fs.write"}, {"path", "f"}, {"content", content}, {"if_match", match}});
  };
  auto wrong = write(no_hash, "two");
  CAF_CHECK(wrong.code == errc::conflict);
  CAF_CHECK(wrong.detail.find(hash.get<std::string>()) != std::string::npos);
  CAF_CHECK(write(hash, "two").ok());
  CAF_CHECK(write(hash, "three").code == errc::conflict);
  CAF_CHECK(write("short", "three").code == errc::invalid_request);
  CAF_CHECK_EQUAL(ws("f"), "two");
  CAF_CHECK(
    ws.run({{"type", "fs.write"}, {"path", "none"}, {"content", ""}, {"if_match", hash}}).code
    == errc::conflict);
  CAF_CHECK(!fs::exists(ws.root / "none"));
}

CAF_TEST(if_match sees what changed between plan and run) {
  workspace ws;
  spit(ws.root / "f", "one");
  auto hash = field(ws.run({{"type", "fs.read"}, {"path", "f"}}), "sha256");
  auto what
    = make_command({{"type", "fs.write"}, {"path", "f"}, {"content", "mine"}, {"if_match", hash}});
  auto plan = files::plan_file_command(ws.context, what);
  CAF_REQUIRE(plan.has_value());
  spit(ws.root / "f", "theirs");
  CAF_CHECK(files::run_file_command(ws.context, what, *plan).code == errc::conflict);
  CAF_CHECK_EQUAL(ws("f"), "theirs");
  CAF_CHECK_EQUAL(names_of(ws.root).size(), 1u);
}

CAF_TEST(create new never replaces even when the file comes after the plan) {
  workspace ws;
  auto what
    = make_command({{"type", "fs.write"}, {"path", "f"}, {"content", "x"}, {"create", "new"}});
  auto plan = files::plan_file_command(ws.context, what);
  CAF_REQUIRE(plan.has_value());
  spit(ws.root / "f", "theirs");
  CAF_CHECK(files::run_file_command(ws.context, what, *plan).code == errc::exists);
  CAF_CHECK_EQUAL(ws("f"), "theirs");
  CAF_CHECK_EQUAL(names_of(ws.root).size(), 1u);
}

CAF_TEST(fields of the wrong kind are named) {
  workspace ws;
  struct row {
    json body;
    errc code;
    const char* word;
  };
  for (const auto& [body, code, word] : {
         row{{{"type", "fs.write"}, {"path", "f"}}, errc::unprocessable, "content"},
         row{{{"type", "fs.write"}, {"content", ""}}, errc::unprocessable, "path"},
         row{{{"type", "fs.write"}, {"path", 7}, {"content", ""}}, errc::unprocessable, "path"},
         row{
           {{"type", "fs.write"}, {"path", "f"}, {"content", {1}}}, errc::unprocessable, "content"},
         row{{{"type", "fs.write"}, {"path", "f"}, {"content", "=="}, {"encoding", "base64"}},
             errc::invalid_request,
             "base64"},
         row{{{"type", "fs.write"}, {"path", "f"}, {"content", ""}, {"encoding", "utf16"}},
             errc::invalid_request,
             "encoding"},
         row{{{"type", "fs.write"}, {"path", "f"}, {"content", ""}, {"create", "maybe"}},
             errc::invalid_request,
             "create"},
         row{{{"type", "fs.read"}, {"path", "f"}, {"limit", "3"}}, errc::unprocessable, "limit"},
         row{{{"type", "fs.read"}, {"path", "f"}, {"offset", -1}}, errc::invalid_request, "offset"},
         row{
           {{"type", "fs.read"}, {"path", "f"}, {"offset", 1.5}}, errc::invalid_request, "offset"},
         row{{{"type", "fs.read"}, {"path", "f"}, {"range", {1, 2}}}, errc::unprocessable, "range"},
         row{{{"type", "fs.read"}, {"path", "f"}, {"limit", 1}, {"range", {{"off", 0}}}},
             errc::invalid_request,
             "range"},
         row{{{"type", "fs.edit"}, {"path", "f"}}, errc::unprocessable, "edits"},
         row{{{"type", "fs.edit"}, {"path", "f"}, {"edits", {7}}}, errc::unprocessable, "edits[0]"},
         row{{{"type", "fs.edit"}, {"path", "f"}, {"edits", {{{"old", ""}, {"new", ""}}}}},
             errc::invalid_request,
             "old"},
         row{{{"type", "fs.glob"}, {"pattern", "../*"}}, errc::invalid_request, "pattern"},
         row{{{"type", "fs.grep"}, {"pattern", "("}, {"regex", true}},
             errc::invalid_request,
             "pattern"},
         row{{{"type", "fs.grep"}, {"pattern", ""}}, errc::invalid_request, "pattern"},
         row{{{"type", "fs.tree"}, {"exclude", "x"}}, errc::unprocessable, "exclude"},
         row{{{"type", "fs.watch"}, {"path", "."}}, errc::unsupported, "fs.watch"},
       }) {
    auto got = ws.run(body);
    if (got.code != code || got.detail.find(word) == std::string::npos)
      CAF_ERROR(body.dump() << ": " << info(got.code).word << " " << got.detail);
  }
}

// -- read

CAF_TEST(windows of lines say where they are) {
  workspace ws;
  spit(ws.root / "f", "a\nb\nc\nd");
  auto read = [&](json more) {
    more.update({{"type", "fs.read"}, {"path", "f"}});
    return ws.run(more);
  };
  auto middle = read({{"offset", 1}, {"limit", 2}});
  CAF_REQUIRE(middle.ok());
  CAF_CHECK_EQUAL(field(middle, "content"), "b\nc\n");
  CAF_CHECK_EQUAL(field(middle, "total_lines"), 4u);
  CAF_CHECK_EQUAL(field(middle, "start_line"), 1u);
  CAF_CHECK_EQUAL(field(middle, "end_line"), 3u);
  CAF_CHECK_EQUAL(field(middle, "next_offset"), 3u);
  auto end = read({{"offset", 3}, {"limit", 2000}});
  CAF_CHECK_EQUAL(field(end, "content"), "d");
  CAF_CHECK_EQUAL(field(end, "end_line"), 4u);
  CAF_CHECK(!end.fields.contains("next_offset"));
  auto behind = read({{"offset", 9}});
  CAF_CHECK(behind.ok());
  CAF_CHECK_EQUAL(field(behind, "content"), "");
  CAF_CHECK_EQUAL(field(behind, "end_line"), 9u);
  CAF_CHECK_EQUAL(field(behind, "total_lines"), 4u);
  auto none = read({{"limit", 0}});
  CAF_CHECK_EQUAL(field(none, "content"), "");
  CAF_CHECK_EQUAL(field(none, "next_offset"), 0u);
  auto whole = read({});
  CAF_CHECK_EQUAL(field(whole, "content"), "a\nb\nc\nd");
  CAF_CHECK(!whole.fields.contains("start_line"));
  auto hashed = read({{"offset", 1}, {"limit", 1}, {"hash", true}});
  CAF_CHECK_EQUAL(field(hashed, "file_sha256"), field(whole, "sha256"));
  for (json more : {json{{"if_none_match", field(whole, "sha256")}},
                    json{{"if_none_match", field(whole, "sha256")}, {"offset", 2}}}) {
    auto known = read(more);
    CAF_CHECK_EQUAL(field(known, "not_modified"), true);
    CAF_CHECK(!known.fields.contains("content"));
  }
  auto changed = read({{"if_none_match", no_hash}});
  CAF_CHECK_EQUAL(field(changed, "content"), "a\nb\nc\nd");
}

CAF_TEST(windows of lines put together are the file whatever it holds) {
  workspace ws;
  std::mt19937_64 random{seed()};
  for (int round = 0; round < 200; ++round) {
    std::string text;
    const auto size = random() % 300;
    for (std::size_t i = 0; i < size; ++i)
      text += "ab\n\r\n\n\xc3\xbc"[random() % 8];
    spit(ws.root / "f", text);
    const auto limit = random() % 5 + 1;
    std::string all;
    std::uint64_t offset = 0;
    std::uint64_t total = 0;
    for (int turn = 0; turn < 400; ++turn) {
      auto got = ws.run({{"type", "fs.read"}, {"path", "f"}, {"offset", offset}, {"limit", limit}});
      CAF_REQUIRE(got.ok());
      auto piece = field(got, "content").get<std::string>();
      if (got.fields.contains("encoding"))
        piece = from_base64(piece).value();
      all += piece;
      total = field(got, "total_lines").get<std::uint64_t>();
      auto end = field(got, "end_line").get<std::uint64_t>();
      CAF_CHECK(end >= offset && end - offset <= limit);
      if (!got.fields.contains("next_offset"))
        break;
      offset = field(got, "next_offset").get<std::uint64_t>();
    }
    CAF_CHECK(all == text);
    auto lines = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'))
                 + (text.empty() || text.back() == '\n' ? 0 : 1);
    CAF_CHECK_EQUAL(total, lines);
  }
}

CAF_TEST(ranges of bytes put together are the file) {
  workspace ws;
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += static_cast<char>(i * 7);
  spit(ws.root / "f", text);
  std::string all;
  for (std::uint64_t off = 0;; off += 333) {
    auto got
      = ws.run({{"type", "fs.read"}, {"path", "f"}, {"range", {{"off", off}, {"len", 333}}}});
    CAF_REQUIRE(got.ok());
    auto piece = field(got, "content").get<std::string>();
    all += got.fields.contains("encoding") ? from_base64(piece).value() : piece;
    if (field(got, "eof").get<bool>())
      break;
  }
  CAF_CHECK(all == text);
  auto behind = ws.run({{"type", "fs.read"}, {"path", "f"}, {"range", {{"off", 5000}}}});
  CAF_CHECK_EQUAL(field(behind, "content"), "");
  CAF_CHECK_EQUAL(field(behind, "eof"), true);
}

CAF_TEST(what is too large for a message goes beside it with its hash) {
  workspace ws;
  ws.context.limits.max_inline = 1000;
  spit(ws.root / "big", std::string(5000, 'x'));
  spit(ws.root / "quotes", std::string(600, '"'));
  spit(ws.root / "binary", std::string(900, '\xff'));
  auto big = ws.run({{"type", "fs.read"}, {"path", "big"}});
  CAF_REQUIRE(big.ok() && big.large.size() == 1);
  CAF_CHECK_EQUAL(big.large[0].name, "content");
  CAF_CHECK_EQUAL(big.large[0].bytes.size(), 5000u);
  CAF_CHECK_EQUAL(field(big, "bytes"), 5000u);
  CAF_CHECK(!big.fields.contains("content"));
  auto stat = ws.run({{"type", "fs.stat"}, {"path", "big"}, {"hash", true}});
  CAF_CHECK_EQUAL(field(big, "sha256"), field(stat, "sha256"));
  CAF_CHECK_EQUAL(ws.run({{"type", "fs.read"}, {"path", "quotes"}}).large.size(), 1u);
  auto binary = ws.run({{"type", "fs.read"}, {"path", "binary"}});
  CAF_CHECK_EQUAL(binary.large.size(), 1u);
  CAF_CHECK_EQUAL(field(binary, "encoding"), "base64");
}

CAF_TEST(limits of a read are answered with the size) {
  workspace ws;
  ws.context.limits.max_read = 2000;
  spit(ws.root / "big", std::string(5000, 'x'));
  spit(ws.root / "lines", std::string(3000, '\n'));
  spit(ws.root / "binary", std::string(1500, '\xff'));
  auto big = ws.run({{"type", "fs.read"}, {"path", "big"}});
  CAF_CHECK(big.code == errc::payload_too_large);
  CAF_CHECK(big.detail.find("5000") != std::string::npos);
  CAF_CHECK(ws.run({{"type", "fs.read"}, {"path", "big"}, {"limit", 1}}).code
            == errc::payload_too_large);
  CAF_CHECK(ws.run({{"type", "fs.read"}, {"path", "big"}, {"range", {{"off", 100}}}}).code
            == errc::payload_too_large);
  CAF_CHECK(
    ws.run({{"type", "fs.read"}, {"path", "big"}, {"range", {{"off", 4000}, {"len", 2000}}}}).ok());
  auto window = ws.run({{"type", "fs.read"}, {"path", "lines"}, {"offset", 7}, {"limit", 3}});
  CAF_CHECK(window.ok());
  CAF_CHECK_EQUAL(field(window, "next_offset"), 10u);
  CAF_CHECK(!window.fields.contains("total_lines"));
  CAF_CHECK(ws.run({{"type", "fs.read"}, {"path", "binary"}, {"max_bytes", 1499}}).code
            == errc::payload_too_large);
  auto binary = ws.run({{"type", "fs.read"}, {"path", "binary"}, {"max_binary", 1000}});
  CAF_CHECK(binary.code == errc::payload_too_large);
  CAF_CHECK_EQUAL(field(binary, "binary"), true);
  CAF_CHECK_EQUAL(field(binary, "size"), 1500u);
}

CAF_TEST(ten mebibytes of bytes go round) {
  workspace ws;
  std::string all(10 * 1024 * 1024, '\0');
  std::mt19937_64 random{1};
  for (auto& c : all)
    c = static_cast<char>(random());
  CAF_REQUIRE(
    ws.run(
        {{"type", "fs.write"}, {"path", "f"}, {"content", to_base64(all)}, {"encoding", "base64"}})
      .ok());
  auto got = ws.run({{"type", "fs.read"}, {"path", "f"}});
  CAF_REQUIRE(got.large.size() == 1);
  CAF_CHECK(got.large[0].bytes == all);
}

// -- list, stat, tree

CAF_TEST(entries are as the protocol says and in order) {
  workspace ws;
  spit(ws.root / "b", "12345");
  fs::create_directory(ws.root / "a");
  fs::create_symlink("a", ws.root / "c");
  ::mkfifo((ws.root / "d").c_str(), 0644);
  spit(ws.root / ".holt-0123456789abcdef", "not for others");
  auto list = ws.run({{"type", "fs.list"}, {"path", "/workspace"}});
  CAF_REQUIRE(list.ok());
  auto entries = field(list, "entries");
  CAF_REQUIRE_EQUAL(entries.size(), 4u);
  const std::vector<std::string> types{"directory", "file", "symlink", "other"};
  for (std::size_t i = 0; i < 4; ++i) {
    CAF_CHECK_EQUAL(entries[i].size(), 6u);
    CAF_CHECK_EQUAL(entries[i]["type"], types[i]);
    CAF_CHECK_EQUAL(entries[i]["path"], "/workspace/" + entries[i]["name"].get<std::string>());
  }
  CAF_CHECK_EQUAL(entries[1]["size"], 5);
  CAF_CHECK_EQUAL(entries[1]["mode"], "0644");
  CAF_CHECK(entries[1]["modified_ms"].get<std::int64_t>() > 1'600'000'000'000);
  CAF_CHECK(!list.fields.contains("truncated"));
  auto follow = ws.run({{"type", "fs.list"}, {"path", "."}, {"follow", true}});
  CAF_CHECK_EQUAL(follow.fields["entries"][2]["target_type"], "directory");
  auto page = ws.run({{"type", "fs.list"}, {"path", "."}, {"offset", 1}, {"limit", 2}});
  CAF_CHECK(paths(field(page, "entries")) == below(ws.root, {"b", "c"}));
  CAF_CHECK_EQUAL(field(page, "next_offset"), 3u);
  CAF_CHECK_EQUAL(field(page, "total"), 4u);
}

CAF_TEST(a folder too large for one answer comes in pages or as a stream) {
  workspace ws;
  ws.context.limits.max_inline = 20'000;
  for (int i = 0; i < 500; ++i)
    spit(ws.root / ("file" + std::to_string(1000 + i)), "");
  std::size_t seen = 0;
  std::uint64_t offset = 0;
  for (int turn = 0; turn < 100; ++turn) {
    auto page = ws.run({{"type", "fs.list"}, {"path", "."}, {"offset", offset}});
    CAF_REQUIRE(page.ok());
    CAF_CHECK(page.fields.dump().size() < 20'000);
    seen += field(page, "entries").size();
    if (!page.fields.contains("next_offset"))
      break;
    offset = field(page, "next_offset").get<std::uint64_t>();
  }
  CAF_CHECK_EQUAL(seen, 500u);
  auto stream = ws.run({{"type", "fs.list"}, {"path", "."}, {"stream", true}});
  CAF_REQUIRE(stream.large.size() == 1);
  CAF_CHECK_EQUAL(field(stream, "content_of"), "entries");
  CAF_CHECK_EQUAL(json::parse(stream.large[0].bytes).size(), 500u);
}

CAF_TEST(stat follows links unless told not to) {
  workspace ws;
  spit(ws.root / "f", "abc");
  fs::create_symlink("f", ws.root / "link");
  auto followed = ws.run({{"type", "fs.stat"}, {"path", "link"}});
  CAF_CHECK_EQUAL(field(followed, "kind"), "file");
  CAF_CHECK_EQUAL(field(followed, "target"), "f");
  auto itself = ws.run({{"type", "fs.stat"}, {"path", "link"}, {"follow", false}});
  CAF_CHECK_EQUAL(field(itself, "kind"), "symlink");
  auto root = ws.run({{"type", "fs.stat"}, {"path", "/workspace"}});
  CAF_CHECK_EQUAL(field(root, "kind"), "directory");
}

CAF_TEST(a tree has hashes of small files and the nearest entries first) {
  workspace ws;
  fs::create_directories(ws.root / "a/b/c/d");
  fs::create_directories(ws.root / ".git/objects");
  spit(ws.root / "small", "x");
  spit(ws.root / "large", std::string(100, 'x'));
  spit(ws.root / "a/b/deep", "y");
  auto tree = ws.run({{"type", "fs.tree"}, {"depth", 3}, {"hash_max", 50}});
  CAF_REQUIRE(tree.ok());
  auto entries = field(tree, "entries");
  CAF_CHECK(paths(entries)
            == below(ws.root, {".git", "a", "large", "small", "a/b", "a/b/c", "a/b/deep"}));
  CAF_CHECK(!entries[2].contains("sha256"));
  CAF_CHECK(entries[3].contains("sha256"));
  CAF_CHECK_EQUAL(field(tree, "truncated"), false);
  auto limited = ws.run({{"type", "fs.tree"}, {"depth", 3}, {"limit", 5}});
  CAF_CHECK_EQUAL(field(limited, "entries").size(), 5u);
  CAF_CHECK_EQUAL(field(limited, "truncated"), true);
}

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

// -- mkdir, move, remove

CAF_TEST(mkdir makes parents and is content with a folder that is there) {
  workspace ws;
  auto mkdir = [&](json more) {
    more["type"] = "fs.mkdir";
    return ws.run(more);
  };
  CAF_CHECK_EQUAL(field(mkdir({{"path", "a/b"}}), "created"), true);
  CAF_CHECK_EQUAL(field(mkdir({{"path", "a/b"}}), "created"), false);
  CAF_CHECK(mkdir({{"path", "a/b"}, {"exist_ok", false}}).code == errc::exists);
  CAF_CHECK(mkdir({{"path", "x/y"}, {"parents", false}}).code == errc::not_found);
  CAF_CHECK(mkdir({{"path", "."}}).ok());
}

CAF_TEST(move renames and replaces only when told) {
  workspace ws;
  spit(ws.root / "a", "a");
  spit(ws.root / "b", "b");
  fs::create_directories(ws.root / "full/x");
  fs::create_directory(ws.root / "dir");
  auto move = [&](const char* from, const char* to, bool overwrite = false) {
    return ws.run({{"type", "fs.move"}, {"from", from}, {"to_path", to}, {"overwrite", overwrite}});
  };
  CAF_CHECK(move("a", "b").code == errc::exists);
  CAF_CHECK_EQUAL(field(move("a", "b", true), "replaced"), true);
  CAF_CHECK_EQUAL(ws("b"), "a");
  CAF_CHECK_EQUAL(field(move("b", "new/place/c"), "replaced"), false);
  CAF_CHECK_EQUAL(ws("new/place/c"), "a");
  CAF_CHECK(move("new/place/c", "new/place/c").ok());
  CAF_CHECK(move("dir", "dir/below").code == errc::invalid_request);
  CAF_CHECK(move("dir", "full", true).code == errc::conflict);
  CAF_CHECK(move("dir", "new/place/c", true).code == errc::not_directory);
  CAF_CHECK(move("new/place/c", "dir", true).code == errc::is_directory);
  CAF_CHECK(move("dir", "dir2").ok());
  CAF_CHECK(fs::is_directory(ws.root / "dir2"));
}

CAF_TEST(move to another file system copies all there is) {
  workspace ws{false, true};
  temp_dir other;
  struct stat here {};
  struct stat there {};
  ::stat(ws.root.c_str(), &here);
  ::stat(other.path.c_str(), &there);
  if (here.st_dev == there.st_dev) {
    std::puts("SKIPPED move to another file system: there is but one");
    return;
  }
  ws.context.jail = *files::path_jail::open({{ws.root, other.path}, true, false});
  fs::create_directories(ws.root / "tree/a/b");
  spit(ws.root / "tree/a/f", "text");
  ::chmod((ws.root / "tree/a/f").c_str(), 0741);
  fs::create_symlink("f", ws.root / "tree/a/link");
  const auto when = fs::last_write_time(ws.root / "tree/a/f");
  auto got = ws.run(
    {{"type", "fs.move"}, {"from", "tree"}, {"to_path", (other.path / "new/tree").string()}});
  CAF_MESSAGE(got.detail);
  CAF_REQUIRE(got.ok());
  CAF_CHECK(names_of(ws.root).empty());
  CAF_CHECK(names_of(other.path / "new") == std::vector<std::string>{"tree"});
  CAF_CHECK_EQUAL(slurp(other.path / "new/tree/a/link"), "text");
  CAF_CHECK_EQUAL(mode_of(other.path / "new/tree/a/f"), 0741u);
  CAF_CHECK(fs::last_write_time(other.path / "new/tree/a/f") == when);
  CAF_CHECK(fs::is_directory(other.path / "new/tree/a/b"));
  ::mkfifo((ws.root / "fifo").c_str(), 0644);
  CAF_CHECK(
    ws.run({{"type", "fs.move"}, {"from", "fifo"}, {"to_path", (other.path / "x").string()}}).code
    == errc::unsupported);
  CAF_CHECK(names_of(other.path) == std::vector<std::string>{"new"});
}

CAF_TEST(remove takes trees only when told and links never lead it out) {
  workspace ws;
  fs::create_directories(ws.root / "dir/a/b");
  fs::create_directory(ws.root / "empty");
  fs::create_symlink(ws.outside, ws.root / "dir/a/out");
  spit(ws.outside / "keep", "");
  spit(ws.root / "dir/f", "");
  auto remove = [&](json more) {
    more["type"] = "fs.remove";
    return ws.run(more);
  };
  auto full = remove({{"path", "dir"}});
  CAF_CHECK(full.code == errc::conflict);
  CAF_CHECK(full.detail.find("recursive") != std::string::npos);
  CAF_CHECK(remove({{"path", "empty"}}).ok());
  CAF_CHECK_EQUAL(field(remove({{"path", "dir"}, {"recursive", true}}), "removed"), true);
  CAF_CHECK(remove({{"path", "dir"}}).code == errc::not_found);
  CAF_CHECK_EQUAL(field(remove({{"path", "dir"}, {"missing_ok", true}}), "removed"), false);
  CAF_CHECK(names_of(ws.root).empty());
  CAF_CHECK(fs::exists(ws.outside / "keep"));
}

CAF_TEST(a tree of any depth and width is removed) {
  workspace ws;
  int at = ::open(ws.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; i < 1500; ++i) {
    CAF_REQUIRE(::mkdirat(at, i == 0 ? "deep" : "d", 0755) == 0);
    int next = ::openat(at, i == 0 ? "deep" : "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ::close(at);
    at = next;
  }
  for (int i = 0; i < 5000; ++i)
    ::close(::openat(at, ("f" + std::to_string(i)).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  ::close(at);
  CAF_CHECK(ws.run({{"type", "fs.remove"}, {"path", "deep"}, {"recursive", true}}).ok());
  CAF_CHECK(names_of(ws.root).empty());
}

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
