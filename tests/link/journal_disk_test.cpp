// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE journal_disk

#include "tests/link/journal_fixture.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <set>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace holt;
using namespace holt::link;
using namespace holt::link::test;

namespace {

/// A small file system of its own.
struct small_disk {
  journal_dir dir;
  bool mounted = false;

  explicit small_disk(const char* test) {
    mounted = ::mount("holt-test", dir.path.c_str(), "tmpfs", 0, "size=6m,mode=0700") == 0;
    if (!mounted)
      std::printf("SKIPPED %s: mounting is not allowed (%s)\n", test, std::strerror(errno));
  }
  ~small_disk() {
    if (mounted)
      ::umount2(dir.path.c_str(), MNT_DETACH);
  }

  std::string flood_file() const { return (dir.path / "flood").string(); }

  /// Takes every byte that is left.
  void flood() const {
    const int fd = ::open(flood_file().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    CAF_REQUIRE(fd >= 0);
    const std::string block(64 * 1024, 'x');
    for (auto size = block.size(); size > 0;)
      if (const auto n = ::write(fd, block.data(), size); n <= 0)
        size /= 2;
    ::close(fd);
  }
  void ebb() const { ::unlink(flood_file().c_str()); }
};

void spoil(const std::string& file, std::streamoff at, const std::string& with) {
  std::fstream f{file, std::ios::in | std::ios::out | std::ios::binary};
  f.seekp(at);
  f << with;
}

std::size_t set_aside(const journal_dir& dir) {
  std::size_t out = 0;
  for (const auto& file : std::filesystem::directory_iterator{dir.path}) {
    const auto name = file.path().filename().string();
    out += name.starts_with("journal.db.damaged-") && !name.ends_with("-wal") ? 1 : 0;
  }
  return out;
}

void fill(const journal_options& how, int rows) {
  auto j = open_or_fail(how);
  for (int i = 0; i < rows; ++i) {
    CAF_REQUIRE(j->received(key(std::to_string(i)), "f", std::string(500, 'c'), "", i));
    CAF_REQUIRE(j->done(
      key(std::to_string(i)), [](std::uint64_t) { return std::string(500, 'r'); }, i));
  }
}

} // namespace

CAF_TEST(a full disk refuses new commands and lets those that began come to their end) {
  small_disk disk{"a full disk refuses new commands"};
  if (!disk.mounted)
    return;
  std::multiset<std::string> steps;
  auto how = disk.dir.options();
  how.at_step = [&](std::string_view step) { steps.emplace(step); };
  auto j = open_or_fail(how);
  for (int i = 0; i < 20; ++i)
    CAF_REQUIRE(j->received(key(std::to_string(i)), "f", "{}", "", i));
  CAF_REQUIRE(j->done(key("0"), text_with_rseq(), 1));
  disk.flood();
  // Some bytes may fit into what the files have already; in the end it says so.
  errc said = errc::none;
  int more = 100;
  for (; more < 20'000 && said == errc::none; ++more)
    if (auto got = j->received(key(std::to_string(more)), "f", std::string(2'000, 'c'), "", 1);
        !got)
      said = got.error().code;
  CAF_REQUIRE(said == errc::no_space);
  CAF_CHECK(!j->find(key(std::to_string(more - 1))).value().has_value());
  // What began: its answer finds room.
  for (int i = 1; i < 19; ++i)
    CAF_CHECK(j->done(key(std::to_string(i)), text_with_rseq(std::string(2'000, 'r')), 2));
  CAF_CHECK(steps.count("reserve_used") == 1);
  // The reserve is spent: nothing new until there is room for one.
  CAF_CHECK(j->received(key("new"), "f", "{}", "", 1).error().code == errc::no_space);
  // And what finds no room at all is refused whole.
  disk.flood();
  auto too_big = j->done(key("19"), text_with_rseq(std::string(3'000'000, 'r')), 2);
  CAF_REQUIRE(!too_big);
  CAF_CHECK(too_big.error().code == errc::no_space);
  CAF_CHECK(!row_of(*j, "19").done);
  CAF_CHECK_EQUAL(row_of(*j, "18").rseq, 19u);
  // Space returns, and all goes on.
  disk.ebb();
  CAF_CHECK(j->received(key("new"), "f", "{}", "", 1).has_value());
  CAF_CHECK(j->done(key("19"), text_with_rseq(), 2).has_value());
  CAF_CHECK(j->done(key("new"), text_with_rseq(), 2).has_value());
  j.reset();
  j = open_or_fail(disk.dir.options());
  CAF_CHECK_EQUAL(j->damage(), "");
  for (int i = 0; i < 20; ++i)
    CAF_CHECK(row_of(*j, std::to_string(i)).done);
}

CAF_TEST(a journal is opened and read on a full disk) {
  small_disk disk{"a journal is opened and read on a full disk"};
  if (!disk.mounted)
    return;
  fill(disk.dir.options(), 100);
  ::unlink((disk.dir.file() + "-reserve").c_str());
  disk.flood();
  {
    auto opened = journal_store::open(disk.dir.options());
    if (opened) {
      CAF_CHECK((*opened)->find(key("99")).value()->done);
      CAF_CHECK((*opened)->received(key("new"), "f", "{}", "", 1).error().code == errc::no_space);
    } else {
      CAF_CHECK(opened.error().code == errc::no_space);
    }
  }
  disk.ebb();
  auto j = open_or_fail(disk.dir.options());
  CAF_CHECK_EQUAL(j->damage(), "");
  CAF_CHECK(row_of(*j, "99").done);
  CAF_CHECK(j->received(key("new"), "f", "{}", "", 1).has_value());
}

CAF_TEST(a read - only file system is named as such) {
  small_disk disk{"a file system that is read only is named as such"};
  if (!disk.mounted)
    return;
  fill(disk.dir.options(), 10);
  CAF_REQUIRE_EQUAL(::mount(nullptr, disk.dir.path.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, ""),
                    0);
  auto opened = journal_store::open(disk.dir.options());
  CAF_REQUIRE(!opened);
  CAF_CHECK(opened.error().code == errc::read_only);
  CAF_CHECK_EQUAL(set_aside(disk.dir), 0u);
}

CAF_TEST(a damaged journal is set aside and named) {
  const std::string garbage(3'000, '\xa5');
  // A file that is no database; parts of the header; a page in the middle; the end cut off.
  for (int kind = 0; kind < 6; ++kind) {
    journal_dir dir;
    fill(dir.options(), 400);
    const auto size = static_cast<std::streamoff>(std::filesystem::file_size(dir.file()));
    CAF_REQUIRE(size > 100'000);
    switch (kind) {
    case 0: std::ofstream{dir.file(), std::ios::trunc} << "this is no database, " << garbage; break;
    case 1: spoil(dir.file(), 30, garbage); break;
    case 2: spoil(dir.file(), 18, "\x09"); break;
    case 3: spoil(dir.file(), 19, "\x09"); break;
    case 4: spoil(dir.file(), size / 8192 * 4096 - 100, garbage); break;
    default: ::truncate(dir.file().c_str(), size / 2); break;
    }
    auto j = open_or_fail(dir.options());
    CAF_CHECK_EQUAL(set_aside(dir), 1u);
    CAF_CHECK(j->damage().find("journal.db.damaged-") != std::string::npos);
    CAF_CHECK(j->unfinished().value().empty());
    CAF_CHECK(j->received(key("1"), "f", "{}", "", 1).has_value());
    j.reset();
    // The new one is sound and stays.
    j = open_or_fail(dir.options());
    CAF_CHECK_EQUAL(j->damage(), "");
    CAF_CHECK_EQUAL(set_aside(dir), 1u);
    CAF_CHECK_EQUAL(j->unfinished().value().size(), 1u);
  }
}

CAF_TEST(damage that shows only later sets it aside at the next start) {
  journal_dir dir;
  fill(dir.options(), 8'000); // more than the cache holds
  {
    auto j = open_or_fail(dir.options());
    const auto size = static_cast<std::streamoff>(std::filesystem::file_size(dir.file()));
    spoil(dir.file(), 4'096, std::string(static_cast<std::size_t>(size) - 4'096, '\xa5'));
    bool seen = false;
    for (int i = 0; i < 8'000 && !seen; ++i)
      if (auto row = j->find(key(std::to_string(i))); !row) {
        CAF_CHECK(row.error().code == errc::io);
        seen = row.error().detail.find("damaged") != std::string::npos;
      }
    CAF_CHECK(seen);
    CAF_CHECK(std::filesystem::exists(dir.file() + ".suspect"));
  }
  auto j = open_or_fail(dir.options());
  CAF_CHECK(j->damage() != "");
  CAF_CHECK_EQUAL(set_aside(dir), 1u);
  CAF_CHECK(!std::filesystem::exists(dir.file() + ".suspect"));
}

CAF_TEST(a torn tail of the write - ahead log loses nothing before it) {
  journal_dir dir;
  {
    auto j = open_or_fail(dir.options());
    for (int i = 0; i < 50; ++i)
      CAF_REQUIRE(j->received(key(std::to_string(i)), "f", "{}", "", i));
    // As after a crash: both files as they are now.
    std::filesystem::copy_file(dir.file(), dir.path / "copy.db");
    std::filesystem::copy_file(dir.file() + "-wal", dir.path / "copy.db-wal");
  }
  const auto wal = (dir.path / "copy.db-wal").string();
  std::ofstream{wal, std::ios::app | std::ios::binary} << std::string(2'000, '\xa5');
  auto how = dir.options();
  how.file = (dir.path / "copy.db").string();
  auto j = open_or_fail(how);
  CAF_CHECK_EQUAL(j->damage(), "");
  CAF_CHECK_EQUAL(j->unfinished().value().size(), 50u);
}

CAF_TEST(what is no file of ours to write is left alone) {
  journal_dir dir;
  std::filesystem::create_directory(dir.file());
  CAF_CHECK(!journal_store::open(dir.options()).has_value());
  std::filesystem::remove(dir.file());
  CAF_REQUIRE_EQUAL(::mkfifo(dir.file().c_str(), 0600), 0);
  CAF_CHECK(!journal_store::open(dir.options()).has_value());
  std::filesystem::remove(dir.file());
  std::filesystem::create_symlink(dir.path / "elsewhere", dir.file());
  CAF_CHECK(!journal_store::open(dir.options()).has_value());
  std::filesystem::remove(dir.file());
  auto how = dir.options();
  how.file = (dir.path / "none" / "journal.db").string();
  CAF_CHECK(!journal_store::open(how).has_value());
}
