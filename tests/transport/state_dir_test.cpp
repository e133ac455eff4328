// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE state_dir

#include "transport/state_dir.hpp"

#include "check.hpp"
#include "transport/process_fixture.hpp"

#include <caf/all.hpp>

#include <fstream>
#include <map>
#include <sstream>
#include <sys/stat.h>

using namespace holt;
using namespace holt::test;

namespace {

unsigned mode_of(const std::filesystem::path& path) {
  struct stat now {};
  return ::stat(path.c_str(), &now) == 0 ? now.st_mode & 07777 : 0;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in{path};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string chosen(std::map<std::string, std::string> env, uid_t uid) {
  return default_state_dir(
           [&](const char* name) -> std::optional<std::string> {
             auto it = env.find(name);
             return it == env.end() ? std::nullopt : std::optional(it->second);
           },
           uid)
    .string();
}

} // namespace

CAF_TEST(the folder is chosen by XDG then HOME then for root) {
  CAF_CHECK_EQUAL(chosen({{"XDG_STATE_HOME", "/x"}, {"HOME", "/h"}}, 0), "/x/holt");
  CAF_CHECK_EQUAL(chosen({{"XDG_STATE_HOME", "x"}, {"HOME", "/h"}}, 0), "/h/.local/state/holt");
  CAF_CHECK_EQUAL(chosen({{"HOME", "/h"}}, 1000), "/h/.local/state/holt");
  CAF_CHECK_EQUAL(chosen({{"HOME", "/"}}, 0), "/var/lib/holt");
  CAF_CHECK_EQUAL(chosen({}, 0), "/var/lib/holt");
  CAF_CHECK_EQUAL(chosen({{"HOME", ""}}, 1000), "");
}

CAF_TEST(a new folder and its token are ours alone and the token stays) {
  temp_dir dir;
  const auto folder = dir.path / "a" / "b";
  std::string token;
  {
    auto s = state_dir::open(folder);
    CAF_REQUIRE(s);
    token = s->token().reveal();
    CAF_CHECK_EQUAL(token.size(), 43u);
    CAF_CHECK_EQUAL(mode_of(folder), 0700u);
    CAF_CHECK_EQUAL(mode_of(folder / "log"), 0700u);
    CAF_CHECK_EQUAL(mode_of(folder / "token"), 0600u);
    CAF_CHECK_EQUAL(mode_of(folder / "lock"), 0600u);
    CAF_CHECK(s->write_daemon_info({"http://127.0.0.1:1", 17}));
    CAF_CHECK_EQUAL(mode_of(folder / "daemon.json"), 0600u);
  }
  // As after a kill -9: daemon.json is left, the lock is not.
  ::chmod(folder.c_str(), 0777);
  ::chmod((folder / "token").c_str(), 0644);
  auto again = state_dir::open(folder);
  CAF_REQUIRE(again);
  CAF_CHECK_EQUAL(again->token().reveal(), token);
  CAF_CHECK_EQUAL(mode_of(folder), 0700u);
  CAF_CHECK_EQUAL(mode_of(folder / "token"), 0600u);
  CAF_CHECK(!std::filesystem::exists(folder / "daemon.json"));
  const auto read = read_token(folder);
  CAF_REQUIRE(read);
  CAF_CHECK_EQUAL(read->reveal(), token);
  CAF_CHECK(read_daemon_info(folder).error().code == errc::no_daemon);
}

CAF_TEST(a second daemon is told who holds the folder) {
  temp_dir dir;
  auto first = state_dir::open(dir.path);
  CAF_REQUIRE(first);
  auto early = state_dir::open(dir.path);
  CAF_REQUIRE(!early);
  CAF_CHECK(early.error().code == errc::already_running);
  CAF_CHECK(early.error().detail.find(std::to_string(::getpid())) != std::string::npos);
  CAF_REQUIRE(first->write_daemon_info({"http://127.0.0.1:4658", ::getpid()}));
  auto second = state_dir::open(dir.path);
  CAF_REQUIRE(!second);
  CAF_CHECK(second.error().detail.find("http://127.0.0.1:4658") != std::string::npos);
  const auto still = read_daemon_info(dir.path); // the loser has removed nothing
  CAF_REQUIRE(still);
  CAF_CHECK_EQUAL(still->pid, ::getpid());
}

CAF_TEST(children do not hold the lock) {
  temp_dir dir;
  processes p;
  auto held = std::make_optional(state_dir::open(dir.path));
  auto c = p.start(sh("echo ready; exec sleep 1000"));
  CAF_REQUIRE(p.until([&] { return !c->lines.empty(); }));
  held.reset();
  CAF_CHECK(state_dir::open(dir.path));
  c->handle->signal(SIGKILL);
  CAF_CHECK(p.until([&] { return c->ended.has_value(); }));
}

CAF_TEST(what cannot be a state folder is refused with a sentence) {
  temp_dir dir;
  CAF_CHECK(state_dir::open("").error().code == errc::state_dir);
  std::ofstream(dir.path / "file") << "x";
  auto file = state_dir::open(dir.path / "file");
  CAF_REQUIRE(!file);
  CAF_CHECK(file.error().code == errc::state_dir);
  CAF_CHECK(file.error().detail.find("file") != std::string::npos);
  CAF_CHECK(state_dir::open(dir.path / "file" / "below").error().code == errc::state_dir);
  CAF_CHECK(state_dir::open("/proc/nothing/here").error().code == errc::state_dir);
  std::filesystem::create_directory(dir.path / "bad");
  std::ofstream(dir.path / "bad" / "token") << "short\n";
  CAF_CHECK(state_dir::open(dir.path / "bad").error().code == errc::state_dir);
  if (::geteuid() != 0) {
    std::puts("SKIPPED foreign owner: needs root");
    return;
  }
  std::filesystem::create_directory(dir.path / "foreign");
  CAF_REQUIRE(::chown((dir.path / "foreign").c_str(), 12345, 12345) == 0);
  auto foreign = state_dir::open(dir.path / "foreign");
  CAF_REQUIRE(!foreign);
  CAF_CHECK(foreign.error().detail.find("12345") != std::string::npos);
}

CAF_TEST(a file is replaced as a whole) {
  temp_dir dir;
  const auto path = dir.path / "ready.json";
  CAF_CHECK(write_file_atomically(path, "one"));
  CAF_CHECK(write_file_atomically(path, "two", 0644));
  CAF_CHECK_EQUAL(text_of(path), "two");
  CAF_CHECK_EQUAL(mode_of(path), 0644u);
  const std::filesystem::directory_iterator all{dir.path};
  CAF_CHECK_EQUAL(std::distance(begin(all), end(all)), 1);
  auto nowhere = write_file_atomically(dir.path / "none" / "x", "y");
  CAF_REQUIRE(!nowhere);
  CAF_CHECK(nowhere.error().code == errc::io);
}
