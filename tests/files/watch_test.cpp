// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE file_watch

#include "files/watch.hpp"

#include "check.hpp"
#include "tests/files/files_fixture.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>

using namespace holt;
using namespace holt::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

using files::change_kind;

/// What a watch told, and a wait for more.
struct told {
  std::mutex mutex;
  std::condition_variable more;
  std::vector<files::file_change> all;

  files::watch_hub::sink sink() {
    return [this](const std::vector<files::file_change>& changes) {
      std::lock_guard lock{mutex};
      all.insert(all.end(), changes.begin(), changes.end());
      more.notify_all();
    };
  }

  std::size_t count(change_kind kind, const fs::path& path) {
    std::lock_guard lock{mutex};
    return count_locked(kind, path);
  }

  bool hears(change_kind kind, const fs::path& path) {
    std::unique_lock lock{mutex};
    return more.wait_for(lock, 20s, [&] { return count_locked(kind, path) > 0; })
           || show(kind, path);
  }

  /// Whether `kind` is told; `split` instead, when somebody was held up between the two halves of
  /// his rename, which the kernel tells one by one.
  bool hears_rather(change_kind kind, change_kind split, const fs::path& path) {
    std::unique_lock lock{mutex};
    const bool some = more.wait_for(
      lock, 20s, [&] { return count_locked(kind, path) + count_locked(split, path) > 0; });
    return some ? count_locked(kind, path) > 0 : show(kind, path);
  }

  void forget() {
    std::lock_guard lock{mutex};
    all.clear();
  }

  std::string from_of(const fs::path& path) {
    std::lock_guard lock{mutex};
    for (const auto& one : all)
      if (one.kind == change_kind::moved && one.path == path)
        return one.from;
    return {};
  }

private:
  std::size_t count_locked(change_kind kind, const fs::path& path) const {
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& one) {
      return one.kind == kind && one.path == path;
    }));
  }

  bool show(change_kind kind, const fs::path& path) const {
    std::cerr << "not told: " << to_string(kind) << " " << path << " among:\n";
    for (const auto& one : all)
      std::cerr << "  " << to_string(one.kind) << " " << one.path << " " << one.from << "\n";
    return false;
  }
};

files::watch_options deep() {
  files::watch_options out;
  out.recursive = true;
  return out;
}

} // namespace

CAF_TEST(whatever changes after the answer is told) {
  workspace ws;
  fs::create_directories(ws.root / "a/b");
  spit(ws.root / "a/b/old", "1");
  told heard;
  auto hub = files::watch_hub::make();
  auto watch = hub->watch(ws.context, ".", deep(), heard.sink());
  CAF_REQUIRE(watch.has_value());
  CAF_CHECK_EQUAL((*watch)->shown(), ws.root.string());
  spit(ws.root / "a/b/new", "1");
  CAF_CHECK(heard.hears(change_kind::created, ws.root / "a/b/new"));
  CAF_CHECK(heard.hears(change_kind::modified, ws.root / "a/b/new"));
  spit(ws.root / "a/b/old", "2");
  CAF_CHECK(heard.hears(change_kind::modified, ws.root / "a/b/old"));
  ::chmod((ws.root / "a/b/old").c_str(), 0600);
  CAF_CHECK(heard.hears(change_kind::attributes, ws.root / "a/b/old"));
  fs::remove(ws.root / "a/b/old");
  CAF_CHECK(heard.hears(change_kind::removed, ws.root / "a/b/old"));
}

CAF_TEST(new folders are watched and what is in them is told) {
  workspace ws;
  told heard;
  auto hub = files::watch_hub::make();
  auto watch = hub->watch(ws.context, ".", deep(), heard.sink());
  CAF_REQUIRE(watch.has_value());
  for (int i = 0; i < 50; ++i) {
    const auto folder = ws.root / ("n" + std::to_string(i)) / "in/deep";
    fs::create_directories(folder);
    spit(folder / "f", "1");
  }
  for (int i = 0; i < 50; ++i) {
    const auto path = ws.root / ("n" + std::to_string(i)) / "in/deep/f";
    CAF_REQUIRE(heard.hears(change_kind::created, path));
    CAF_CHECK_EQUAL(heard.count(change_kind::created, path), 1u);
  }
}

CAF_TEST(a moved folder is followed) {
  workspace ws;
  fs::create_directories(ws.root / "a/b/c");
  fs::create_directory(ws.root / "ab");
  told heard;
  auto hub = files::watch_hub::make();
  auto watch = hub->watch(ws.context, ".", deep(), heard.sink());
  CAF_REQUIRE(watch.has_value());
  bool followed = false;
  for (int tries = 0; tries < 5 && !followed; ++tries) {
    if (tries > 0) { // back, and once more
      fs::rename(ws.root / "z", ws.root / "a");
      heard.hears_rather(change_kind::moved, change_kind::created, ws.root / "a");
      heard.forget();
    }
    fs::rename(ws.root / "a", ws.root / "z");
    followed = heard.hears_rather(change_kind::moved, change_kind::created, ws.root / "z");
  }
  CAF_CHECK(followed);
  CAF_CHECK_EQUAL(heard.from_of(ws.root / "z"), (ws.root / "a").string());
  spit(ws.root / "z/b/c/f", "1");
  CAF_CHECK(heard.hears(change_kind::created, ws.root / "z/b/c/f"));
  spit(ws.root / "ab/f", "1");
  CAF_CHECK(heard.hears(change_kind::created, ws.root / "ab/f"));
  // Out of sight: removed, and what happens to it is no longer told.
  fs::rename(ws.root / "z", ws.outside / "z");
  CAF_CHECK(heard.hears(change_kind::removed, ws.root / "z"));
  spit(ws.outside / "z/b/unseen", "1");
  // And back with everything in it.
  fs::rename(ws.outside / "z", ws.root / "y");
  CAF_CHECK(heard.hears(change_kind::created, ws.root / "y/b/unseen"));
  CAF_CHECK_EQUAL(heard.count(change_kind::created, ws.root / "z/b/unseen"), 0u);
}

CAF_TEST(our own replacement is a modification and our names are not shown) {
  workspace ws;
  spit(ws.root / "f", "1");
  told heard;
  auto hub = files::watch_hub::make();
  auto watch = hub->watch(ws.context, ".", deep(), heard.sink());
  CAF_REQUIRE(watch.has_value());
  bool modified = false;
  for (int tries = 0; tries < 5 && !modified; ++tries) {
    heard.forget();
    CAF_REQUIRE(ws.run({{"type", "fs.write"}, {"path", "f"}, {"content", "2"}}).ok());
    modified = heard.hears_rather(change_kind::modified, change_kind::created, ws.root / "f");
  }
  CAF_CHECK(modified);
  fs::create_directories(ws.root / "d/e");
  CAF_CHECK(heard.hears(change_kind::created, ws.root / "d/e"));
  CAF_REQUIRE(ws.run({{"type", "fs.remove"}, {"path", "d"}, {"recursive", true}}).ok());
  CAF_CHECK(heard.hears(change_kind::removed, ws.root / "d"));
  std::lock_guard lock{heard.mutex};
  for (const auto& one : heard.all)
    CAF_CHECK(one.path.find(".holt-") == std::string::npos);
}

CAF_TEST(one file is watched through its replacement) {
  workspace ws;
  spit(ws.root / "f", "1");
  spit(ws.root / "other", "1");
  told heard;
  auto hub = files::watch_hub::make();
  auto watch = hub->watch(ws.context, "f", {}, heard.sink());
  CAF_REQUIRE(watch.has_value());
  spit(ws.root / "other", "2");
  for (int i = 0; i < 3; ++i)
    CAF_REQUIRE(ws.run({{"type", "fs.write"}, {"path", "f"}, {"content", "2"}}).ok());
  CAF_CHECK(heard.hears(change_kind::modified, ws.root / "f"));
  fs::remove(ws.root / "f");
  CAF_CHECK(heard.hears(change_kind::removed, ws.root / "f"));
  CAF_CHECK_EQUAL(heard.count(change_kind::modified, ws.root / "other"), 0u);
}

CAF_TEST(the end of the watched folder is told) {
  workspace ws;
  fs::create_directory(ws.root / "a");
  told heard;
  auto hub = files::watch_hub::make();
  auto watch = hub->watch(ws.context, "a", deep(), heard.sink());
  CAF_REQUIRE(watch.has_value());
  fs::remove(ws.root / "a");
  CAF_CHECK(heard.hears(change_kind::gone, ws.root / "a"));
}

CAF_TEST(watches are bounded and jailed) {
  workspace ws;
  fs::create_directories(ws.root / "a/b/c/d");
  fs::create_directory_symlink(ws.outside, ws.root / "out");
  told heard;
  auto hub = files::watch_hub::make({2, 3});
  const auto code = [&](const char* path, const files::watch_options& how) {
    auto got = hub->watch(ws.context, path, how, heard.sink());
    return got ? errc::none : got.error().code;
  };
  CAF_CHECK_EQUAL(code(".", deep()), errc::payload_too_large);
  CAF_CHECK_EQUAL(code("../outside", {}), errc::denied);
  CAF_CHECK_EQUAL(code("out", {}), errc::denied);
  CAF_CHECK_EQUAL(code("none", {}), errc::not_found);
  auto one = hub->watch(ws.context, ".", {}, heard.sink());
  auto two = hub->watch(ws.context, ".", {}, heard.sink());
  CAF_REQUIRE(one.has_value());
  CAF_REQUIRE(two.has_value());
  CAF_CHECK_EQUAL(code(".", {}), errc::busy);
  two->reset();
  CAF_CHECK_EQUAL(code(".", {}), errc::none);
}

CAF_TEST(excluded folders are told of and not entered) {
  workspace ws;
  fs::create_directories(ws.root / ".git/objects");
  told heard;
  auto hub = files::watch_hub::make();
  auto watch = hub->watch(ws.context, ".", deep(), heard.sink());
  CAF_REQUIRE(watch.has_value());
  spit(ws.root / ".git/index", "1");
  spit(ws.root / "last", "1");
  CAF_CHECK(heard.hears(change_kind::created, ws.root / "last"));
  CAF_CHECK_EQUAL(heard.count(change_kind::created, ws.root / ".git/index"), 0u);
}
