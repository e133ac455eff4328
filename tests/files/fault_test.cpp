// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE disk_faults

#include "tests/files/files_fixture.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <sched.h>

using namespace holt;
using namespace holt::test;
namespace fs = std::filesystem;

namespace {

std::ptrdiff_t open_now() {
  return std::distance(fs::directory_iterator{"/proc/self/fd"}, fs::directory_iterator{});
}

/// A small file system of this test alone; false, with a line that says so, where it is not ours to
/// mount.
bool mount_small(const fs::path& at, const char* test) {
  if (::unshare(CLONE_NEWNS) == 0
      && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0
      && ::mount("tmpfs", at.c_str(), "tmpfs", 0, "size=8m,mode=0755") == 0)
    return true;
  std::cout << "SKIPPED " << test << ": no mounts here (" << std::strerror(errno) << ")"
            << std::endl;
  return false;
}

struct mounted {
  fs::path at;
  ~mounted() { ::umount2(at.c_str(), MNT_DETACH); }
};

} // namespace

CAF_TEST(each call that fails leaves the old content and nothing else) {
  struct row {
    const char* call;
    int number;
    errc code;
  };
  const std::string old = std::string(1'100'000, 'x') + "old";
  for (auto [call, number, code] :
       {row{"write", EIO, errc::io}, row{"write", ENOSPC, errc::no_space},
        row{"write", EDQUOT, errc::no_space}, row{"write", EFBIG, errc::payload_too_large},
        row{"fsync", EIO, errc::io}, row{"fsync", ENOSPC, errc::no_space},
        row{"rename", EIO, errc::io}, row{"rename", EROFS, errc::read_only},
        row{"open", ENOSPC, errc::no_space}, row{"open", EMFILE, errc::busy}}) {
    const json commands[]
      = {{{"type", "fs.write"}, {"path", "f"}, {"content", std::string(1'100'000, 'n')}},
         {{"type", "fs.edit"}, {"path", "f"}, {"edits", {{{"old", "old"}, {"new", "new"}}}}}};
    for (const auto& body : commands) {
      // The n-th such call fails, until none is left to fail.
      for (int failing = 0;; ++failing) {
        workspace ws;
        spit(ws.root / "f", old);
        int count = 0;
        ws.context.fault
          = [&](std::string_view now) { return now == call && count++ == failing ? number : 0; };
        const auto before = open_now();
        auto got = ws.run(body);
        CAF_CHECK_EQUAL(open_now(), before);
        CAF_CHECK(names_of(ws.root) == std::vector<std::string>{"f"});
        if (got.ok()) {
          CAF_CHECK(failing > 0);
          CAF_CHECK(ws("f") != old);
          break;
        }
        CAF_CHECK(got.code == code);
        CAF_CHECK(ws("f") == old);
      }
    }
  }
}

CAF_TEST(a full disk is no_space and the old content stays) {
  temp_dir dir;
  if (!mount_small(dir.path, "a full disk"))
    return;
  mounted unmount{dir.path};
  workspace ws;
  ws.context.jail = *files::path_jail::open({{dir.path}, true, false});
  ws.context.upload_dir = dir.path / "uploads";
  spit(dir.path / "f", "old");
  const auto before = open_now();
  const std::string too_much(9 * 1024 * 1024, 'x');
  CAF_CHECK(ws.run({{"type", "fs.write"}, {"path", "f"}, {"content", too_much}}).code
            == errc::no_space);
  CAF_CHECK(ws.run({{"type", "fs.write"}, {"path", "new"}, {"content", too_much}}).code
            == errc::no_space);
  spit(dir.path / "big", std::string(5 * 1024 * 1024, 'a'));
  CAF_CHECK(ws.run({{"type", "fs.edit"},
                    {"path", "big"},
                    {"edits", {{{"old", "a"}, {"new", "b"}, {"all", true}}}}})
              .code
            == errc::no_space);
  bool full = false;
  for (int i = 0; i < 20 && !full; ++i)
    full = ws.run({{"type", "fs.put"},
                   {"upload", "u"},
                   {"off", i * 500'000},
                   {"data", std::string(500'000, 'u')}})
             .code
           == errc::no_space;
  CAF_CHECK(full);
  CAF_CHECK_EQUAL(slurp(dir.path / "f"), "old");
  CAF_CHECK_EQUAL(slurp(dir.path / "big"), std::string(5 * 1024 * 1024, 'a'));
  CAF_CHECK(names_of(dir.path) == (std::vector<std::string>{"big", "f", "uploads"}));
  // Moving there from elsewhere.
  spit(ws.root / "elsewhere", too_much);
  ws.context.jail = *files::path_jail::open({{ws.root, dir.path}, true, false});
  CAF_CHECK(
    ws.run({{"type", "fs.move"}, {"from", "elsewhere"}, {"to_path", (dir.path / "moved").string()}})
      .code
    == errc::no_space);
  CAF_CHECK_EQUAL(ws("elsewhere").size(), too_much.size());
  CAF_CHECK(names_of(dir.path) == (std::vector<std::string>{"big", "f", "uploads"}));
  // Room again: it goes on.
  fs::remove(dir.path / "big");
  fs::remove_all(dir.path / "uploads");
  CAF_CHECK(
    ws.run({{"type", "fs.write"}, {"path", (dir.path / "f").string()}, {"content", "new"}}).ok());
  CAF_CHECK_EQUAL(open_now(), before + 1); // the root that joined
}

CAF_TEST(a disk that is read only says so to every change) {
  temp_dir dir;
  if (!mount_small(dir.path, "a read-only disk"))
    return;
  mounted unmount{dir.path};
  spit(dir.path / "f", "old");
  fs::create_directories(dir.path / "dir/a");
  CAF_REQUIRE(::mount(nullptr, dir.path.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0);
  workspace ws;
  ws.context.jail = *files::path_jail::open({{dir.path}, true, false});
  const json commands[] = {
    {{"type", "fs.write"}, {"path", "f"}, {"content", "new"}},
    {{"type", "fs.write"}, {"path", "a/b/c"}, {"content", "new"}},
    {{"type", "fs.edit"}, {"path", "f"}, {"edits", {{{"old", "old"}, {"new", "new"}}}}},
    {{"type", "fs.mkdir"}, {"path", "new"}},
    {{"type", "fs.move"}, {"from", "f"}, {"to_path", "g"}},
    {{"type", "fs.remove"}, {"path", "f"}},
    {{"type", "fs.remove"}, {"path", "dir"}, {"recursive", true}},
  };
  for (const auto& body : commands) {
    auto got = ws.run(body);
    if (got.code != errc::read_only)
      CAF_ERROR(body.dump() << ": " << info(got.code).word << " " << got.detail);
  }
  auto read = ws.run({{"type", "fs.read"}, {"path", "f"}});
  CAF_CHECK_EQUAL(read.fields["content"], "old");
}
