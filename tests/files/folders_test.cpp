// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE file_folders

#include "tests/files/files_fixture.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <fcntl.h>

using namespace holt;
using namespace holt::test;
namespace fs = std::filesystem;

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
