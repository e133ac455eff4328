// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE jail

#include "tests/files/files_fixture.hpp"
#include "tests/files/path_corpus.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <fcntl.h>
#include <map>

using namespace holt;
using namespace holt::test;
namespace fs = std::filesystem;

namespace {

/// The workspace of the corpus: see the names there.
struct corpus_world {
  workspace ws;
  fs::path second = ws.dir.path / "second";

  explicit corpus_world(bool without_openat2) {
    const auto& root = ws.root;
    fs::create_directories(root / "dir/deep");
    fs::create_directory(root / "empty");
    fs::create_directory(second);
    for (const char* name :
         {"file", "dir/inner", "dir/deep/leaf", "sp ace", "gr\xc3\xbc\xc3\x9f", "-dash",
          "new\nline", "quo'te\"", ".hidden", "closed", "read_only", "write_only"})
      spit(root / name, "inside");
    spit(second / "file2", "inside");
    spit(ws.outside / "secret", "SECRET");
    auto link
      = [&](const fs::path& target, const char* name) { fs::create_symlink(target, root / name); };
    link("file", "link_file");
    link("dir", "link_dir");
    link(root / "file", "link_abs_file");
    link(root / "dir", "link_abs_dir");
    link("link_file", "link_chain");
    link(second / "file2", "link_root2");
    link(second, "link_root2_dir");
    link(".", "link_self");
    link("../file", "dir/link_up");
    link("nothing", "dangling");
    link("../outside", "link_out");
    link(ws.outside, "link_abs_out");
    link("/etc/passwd", "link_passwd");
    link("/", "link_slash");
    link("/proc/self/root/etc/passwd", "link_proc");
    link("/proc/self/fd/0", "link_fd");
    link("../../outside/secret", "dir/link_out");
    link("link_out", "link_to_link_out");
    link("..", "link_dotdot");
    link("loop", "loop");
    link("loop_b", "loop_a");
    link("loop_a", "loop_b");
    link("../outside/new", "dangling_out");
    link(ws.outside / "new", "dangling_abs_out");
    link("fifo", "link_fifo");
    link("closed", "link_closed");
    for (int i = 0; i < 60; ++i)
      link(i == 0 ? std::string{"file"} : "chain" + std::to_string(i - 1),
           i == 59 ? "long_chain" : ("chain" + std::to_string(i)).c_str());
    ::mkfifo((root / "fifo").c_str(), 0644);
    make_socket(root / "socket");
    fs::create_directory(root / "closed_dir");
    ::chmod((root / "closed").c_str(), 0);
    ::chmod((root / "closed_dir").c_str(), 0);
    ::chmod((root / "read_only").c_str(), 0444);
    ::chmod((root / "write_only").c_str(), 0200);
    ws.context.jail = *files::path_jail::open({{root, second}, true, without_openat2});
  }

  static void make_socket(const fs::path& path) {
    int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    [[maybe_unused]] int bound
      = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::close(fd);
  }

  std::string place(std::string path) const {
    for (auto& [word, where] : std::map<std::string, std::string, std::greater<>>{
           {"@out", ws.outside}, {"@2", second}, {"@", ws.root}})
      for (auto at = path.find(word); at != std::string::npos; at = path.find(word))
        path.replace(at, word.size(), where);
    return path;
  }

  command_outcome run(const path_case& one) const {
    const std::string op = one.op;
    const auto path = place(one.path);
    if (op == "read" || op == "list" || op == "stat" || op == "mkdir" || op == "tree")
      return ws.run({{"type", "fs." + op}, {"path", path}});
    if (op == "lstat")
      return ws.run({{"type", "fs.stat"}, {"path", path}, {"follow", false}});
    if (op == "write")
      return ws.run({{"type", "fs.write"}, {"path", path}, {"content", "x"}});
    if (op == "new")
      return ws.run({{"type", "fs.write"}, {"path", path}, {"content", "x"}, {"create", "new"}});
    if (op == "remove")
      return ws.run({{"type", "fs.remove"}, {"path", path}, {"recursive", true}});
    if (op == "move")
      return ws.run({{"type", "fs.move"}, {"from", path}, {"to_path", "moved"}});
    return ws.run({{"type", "fs.move"}, {"from", "file"}, {"to_path", path}});
  }
};

void run_corpus(bool without_openat2) {
  const auto corpus = path_corpus();
  std::cout << corpus.size() << " cases" << std::endl;
  CAF_CHECK(corpus.size() >= 200);
  std::optional<corpus_world> fresh;
  for (const auto& one : corpus) {
    const std::string op = one.op;
    if (const bool looks = op == "read" || op == "list" || op == "stat"; !looks || !fresh)
      fresh.emplace(without_openat2);
    const auto& world = *fresh;
    const auto begin = std::chrono::steady_clock::now();
    auto got = world.run(one);
    const auto took = std::chrono::steady_clock::now() - begin;
    if (got.code != one.code)
      CAF_ERROR(one.op << " " << one.path.substr(0, 80) << ": " << info(got.code).word << " ("
                       << got.detail << "), not " << info(one.code).word);
    CAF_CHECK(took < std::chrono::seconds{20});
    CAF_CHECK(is_utf8(got.detail));
    // Whatever it was: nothing outside was touched or told.
    if (slurp(world.ws.outside / "secret") != "SECRET"
        || names_of(world.ws.outside) != std::vector<std::string>{"secret"})
      CAF_FAIL(one.op << " " << one.path << " reached outside");
    if (got.fields.dump().find("SECRET") != std::string::npos)
      CAF_FAIL(one.op << " " << one.path << " read outside");
    for (const auto& name : names_of(world.ws.root))
      if (name.starts_with(".holt-"))
        CAF_ERROR(one.op << " " << one.path << " left " << name);
  }
}

} // namespace

CAF_TEST(each path of the corpus gets its exact word) {
  run_corpus(false);
}

CAF_TEST(without openat2 each path gets the same word) {
  run_corpus(true);
}

CAF_TEST(a root that is missing or no folder is named) {
  temp_dir dir;
  auto missing = files::path_jail::open({{dir.path / "none"}, true, false});
  CAF_REQUIRE(!missing);
  CAF_CHECK(missing.error().code == errc::not_found);
  CAF_CHECK(missing.error().detail.find("none") != std::string::npos);
  spit(dir.path / "file", "");
  auto file = files::path_jail::open({{dir.path / "file"}, true, false});
  CAF_REQUIRE(!file);
  CAF_CHECK(file.error().code == errc::not_directory);
  CAF_CHECK(files::path_jail::open({{}, true, false}).error().code == errc::invalid_request);
}

CAF_TEST(with the root of the machine as a root absolute links and dots mean what they say) {
  for (bool without : {false, true}) {
    workspace ws;
    ws.context.jail = *files::path_jail::open({{ws.root, "/"}, true, without});
    spit(ws.outside / "other", "other");
    fs::create_symlink(ws.outside / "other", ws.root / "link");
    auto read = [&](const std::string& path) {
      return ws.run({{"type", "fs.read"}, {"path", path}});
    };
    CAF_CHECK(read("link").fields["content"] == "other");
    CAF_CHECK(read("../outside/other").fields["content"] == "other");
    CAF_CHECK(read(ws.outside / "other").fields["content"] == "other");
    CAF_CHECK(read("/proc/self/status").ok());
    CAF_CHECK(read("/proc/version").fields["content"].get<std::string>().size() > 5);
    // The kernel's magic links lead where no path does.
    CAF_CHECK(read("/proc/self/root/etc/passwd").code == errc::denied);
    CAF_CHECK(read("/proc/self/cwd/x").code == errc::denied);
    CAF_CHECK(read("/dev/null").code == errc::unsupported);
    CAF_CHECK(read("/dev/tty").code == errc::unsupported);
    CAF_CHECK(ws.run({{"type", "fs.list"}, {"path", "/../.."}}).ok());
    CAF_CHECK(ws.run({{"type", "fs.write"}, {"path", "/dev/null"}, {"content", ""}}).code
              == errc::unsupported);
  }
}

CAF_TEST(a real workspace folder is not shadowed by the name of the first root) {
  workspace ws;
  ws.context.jail = *files::path_jail::open({{ws.root}, false, false});
  CAF_CHECK(ws.run({{"type", "fs.read"}, {"path", "/workspace/file"}}).code == errc::denied);
}

CAF_TEST(a name that is no text goes as base64 both ways) {
  workspace ws;
  const std::string name = "bad\xff"
                           "name";
  spit(ws.root / name, "x");
  auto list = ws.run({{"type", "fs.list"}, {"path", "."}});
  CAF_REQUIRE(list.ok());
  auto entry = list.fields["entries"][0];
  CAF_CHECK_EQUAL(entry["path_encoding"], "base64");
  auto read = ws.run({{"type", "fs.read"}, {"path", entry["path"]}, {"path_encoding", "base64"}});
  CAF_CHECK_EQUAL(read.fields["content"], "x");
  auto missing
    = ws.run({{"type", "fs.read"}, {"path", to_base64("none\xff")}, {"path_encoding", "base64"}});
  CAF_CHECK(missing.code == errc::not_found);
  CAF_CHECK(is_utf8(missing.detail));
}

CAF_TEST(no descriptor is left behind) {
  auto open_now = [] {
    return std::distance(fs::directory_iterator{"/proc/self/fd"}, fs::directory_iterator{});
  };
  for (bool without : {false, true}) {
    corpus_world world{without};
    std::ptrdiff_t before = 0;
    for (int round = 0; round < 2; ++round) {
      for (const auto& one : path_corpus())
        world.run(one);
      if (round == 0)
        before = open_now();
    }
    CAF_CHECK_EQUAL(open_now(), before);
  }
}
