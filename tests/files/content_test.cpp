// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE file_content

#include "files/content.hpp"
#include "tests/files/files_fixture.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <random>

using namespace holt;
using namespace holt::test;
namespace fs = std::filesystem;

namespace {
const std::string no_hash(64, '0');
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

CAF_TEST(the size in JSON is what the text takes there) {
  const auto seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  std::mt19937 random{seed};
  const std::vector<std::string> pieces{"plain text of some length ",
                                        "\"",
                                        "\\",
                                        "\n",
                                        "\x01",
                                        "\t",
                                        "\xc3\xa4",
                                        "\x7f",
                                        "\xf0\x9f\x98\x80"};
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (auto n = random() % 12; n > 0; --n)
      text += pieces[random() % pieces.size()];
    CAF_REQUIRE_EQUAL(files::json_size(text) + 2, nlohmann::json(text).dump().size());
  }
  CAF_CHECK_EQUAL(files::json_size("\xff"), 4u);
}
