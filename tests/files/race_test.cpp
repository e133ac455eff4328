// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE race

#include "tests/files/files_fixture.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <map>
#include <thread>

using namespace holt;
using namespace holt::test;
namespace fs = std::filesystem;

namespace {

using clock_type = std::chrono::steady_clock;

std::chrono::milliseconds race_time() {
  return std::chrono::milliseconds{std::getenv("HOLT_TEST_LONG") != nullptr ? 30'000 : 2'000};
}

/// Somebody inside who swaps folders, files and links to the outside for each other, as fast as he
/// can, until the end of his life.
class swapper {
public:
  explicit swapper(fs::path root) : root_{std::move(root)}, thread_{[this] { run(); }} {}
  ~swapper() {
    done_ = true;
    thread_.join();
  }

private:
  void run() {
    const int at = ::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (!done_) {
      ::renameat2(at, "dir", at, "dir_link", RENAME_EXCHANGE);
      ::renameat2(at, "inner/f", at, "inner/f_link", RENAME_EXCHANGE);
      ::renameat2(at, "deep/a", at, "deep/a_link", RENAME_EXCHANGE);
    }
    ::close(at);
  }

  fs::path root_;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

void race(bool without_openat2) {
  workspace ws{without_openat2};
  const auto& root = ws.root;
  for (const char* name : {"dir", "inner", "deep/a/b"})
    fs::create_directories(root / name);
  fs::create_symlink(ws.outside, root / "dir_link");
  fs::create_symlink(ws.outside / "secret", root / "inner/f_link");
  fs::create_symlink("../../outside", root / "deep/a_link");
  spit(root / "inner/f", "inside");
  fs::create_directories(ws.outside / "b/kept");
  spit(ws.outside / "secret", "SECRET");
  spit(ws.outside / "b/secret", "SECRET");
  const auto outside_now = [&] {
    std::vector<std::string> out;
    for (const auto& one : fs::recursive_directory_iterator{ws.outside})
      out.push_back(one.path().string() + (one.is_regular_file() ? slurp(one.path()) : ""));
    std::sort(out.begin(), out.end());
    return out;
  };
  const auto outside_before = outside_now();
  const std::vector<json> commands{
    {{"type", "fs.read"}, {"path", "dir/secret"}},
    {{"type", "fs.read"}, {"path", "inner/f"}},
    {{"type", "fs.read"}, {"path", "deep/a/b/secret"}},
    {{"type", "fs.list"}, {"path", "dir"}},
    {{"type", "fs.tree"}, {"path", "."}},
    {{"type", "fs.glob"}, {"pattern", "*secret*"}},
    {{"type", "fs.grep"}, {"pattern", "SECRET"}},
    {{"type", "fs.stat"}, {"path", "dir/secret"}},
    {{"type", "fs.write"}, {"path", "dir/secret"}, {"content", "mine"}},
    {{"type", "fs.write"}, {"path", "inner/f"}, {"content", "mine"}},
    {{"type", "fs.write"}, {"path", "dir/new/new/f"}, {"content", "mine"}, {"mode", "0777"}},
    {{"type", "fs.mkdir"}, {"path", "deep/a/b/new/new"}, {"mode", "0777"}},
    {{"type", "fs.edit"},
     {"path", "dir/secret"},
     {"edits", {{{"old", "E"}, {"new", "e"}, {"all", true}}}}},
    {{"type", "fs.move"}, {"from", "dir/secret"}, {"to_path", "stolen"}, {"overwrite", true}},
    {{"type", "fs.move"}, {"from", "deep/a/b"}, {"to_path", "moved"}},
    {{"type", "fs.move"}, {"from", "moved"}, {"to_path", "deep/a/b"}},
    {{"type", "fs.remove"}, {"path", "dir/secret"}},
    {{"type", "fs.remove"}, {"path", "deep/a/b"}, {"recursive", true}},
    {{"type", "fs.remove"}, {"path", "dir/new"}, {"recursive", true}},
  };
  std::atomic<std::uint64_t> operations{0};
  std::atomic<bool> leaked{false};
  std::map<std::string, std::uint64_t> words;
  {
    swapper one{root};
    swapper two{root};
    const auto until = clock_type::now() + race_time();
    // On a machine with much else to do: until something was done at all.
    const auto goes_on = [&](clock_type::time_point now) {
      return now < until
             || (now < until + std::chrono::seconds{15}
                 && (operations <= 200 || words["none"] == 0));
    };
    std::mt19937_64 random{seed()};
    while (goes_on(clock_type::now()) && !leaked) {
      const auto& body = commands[random() % commands.size()];
      auto got = ws.run(body);
      ++operations;
      ++words[std::string{info(got.code).word}];
      if (got.fields.dump().find("SECRET") != std::string::npos) {
        leaked = true;
        CAF_ERROR(body.dump() << " told: " << got.fields.dump());
      }
      for (const auto& one_large : got.large)
        leaked = leaked || one_large.bytes.find("SECRET") != std::string::npos;
    }
  }
  std::cout << operations << " operations:";
  for (const auto& [word, count] : words)
    std::cout << ' ' << word << ' ' << count;
  std::cout << std::endl;
  CAF_CHECK(!leaked);
  CAF_CHECK(outside_now() == outside_before);
  CAF_CHECK(operations > 200);
  CAF_CHECK(words["none"] > 0);
  CAF_CHECK(words["internal"] == 0);
}

} // namespace

CAF_TEST(whoever swaps links under a command gets nothing outside) {
  race(false);
}

CAF_TEST(nor without openat2) {
  race(true);
}

CAF_TEST(readers of a file that is written see it whole) {
  workspace ws;
  const std::string one(200'000, '1');
  const std::string two(150'000, '2');
  spit(ws.root / "f", one);
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::atomic<int> reads{0};
  std::thread reader{[&] {
    while (!done) {
      auto got = ws.run({{"type", "fs.read"}, {"path", "f"}});
      const auto text = got.fields.value("content", "");
      if (!got.ok() || (text != one && text != two))
        ++wrong;
      ++reads;
    }
  }};
  for (int i = 0; i < 200 || reads < 20; ++i)
    if (!ws.run({{"type", "fs.write"}, {"path", "f"}, {"content", i % 2 == 0 ? two : one}}).ok())
      ++wrong;
  done = true;
  reader.join();
  CAF_CHECK_EQUAL(wrong.load(), 0);
}
