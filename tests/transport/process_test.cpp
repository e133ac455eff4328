// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE process

#include "transport/log.hpp"
#include "transport/process.hpp"

#include "check.hpp"
#include "transport/process_fixture.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/resource.h>

using namespace holt;
using namespace holt::test;

namespace {

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all{"/proc/self/fd"};
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::size_t zombies() {
  std::size_t n = 0;
  const auto table = read_process_table();
  for (const auto pid : descendants(table, ::getpid()))
    n += table.at(pid).state == 'Z' ? 1 : 0;
  return n;
}

} // namespace

CAF_TEST(exit codes and signals of four children at once come out right) {
  processes p;
  auto zero = p.start(sh("exit 0"));
  auto three = p.start(sh("exit 3"));
  auto late = p.start(sh("read x < /dev/null; exec sleep 0.1 && exit 7"));
  auto killed = p.start(sh("kill -9 $$"));
  CAF_REQUIRE(p.until([&] { return zero->ended && three->ended && late->ended && killed->ended; }));
  CAF_CHECK((*zero->ended == exit_status{0, {}}));
  CAF_CHECK((*three->ended == exit_status{3, {}}));
  CAF_CHECK((*late->ended == exit_status{0, {}}));
  CAF_CHECK((*killed->ended == exit_status{{}, SIGKILL}));
  CAF_CHECK_EQUAL(p.by.children()->size(), 0u);
}

CAF_TEST(a signal reaches the child and is reported as its end) {
  processes p;
  auto c = p.start(sh("trap 'echo got it; exit 5' TERM; echo ready; sleep 1000 & wait"));
  CAF_REQUIRE(p.until([&] { return c->line(0) == "ready"; }));
  c->handle->signal(SIGTERM);
  CAF_REQUIRE(p.until([&] { return c->line(1) == "got it"; }));
  // What the shell left in the background holds its stdout: the end is told all the same.
  CAF_REQUIRE(p.until([&] { return c->ended.has_value(); }));
  CAF_CHECK((*c->ended == exit_status{5, {}}));
  c->handle->signal(SIGKILL); // after the end: nothing
  sweep_tree(c->handle->target(), steady_clock::now() + milliseconds{20'000});
}

CAF_TEST(a signal to the group reaches grandchildren) {
  processes p;
  auto c = p.start(sh("sleep 1000 & echo $!; wait"));
  CAF_REQUIRE(p.until([&] { return !c->lines.empty(); }));
  const auto grandchild = std::stoi(c->line(0));
  c->handle->signal(SIGKILL, true);
  CAF_REQUIRE(p.until([&] { return c->ended.has_value(); }));
  CAF_CHECK((*c->ended == exit_status{{}, SIGKILL}));
  CAF_CHECK(eventually([&] { return !alive(grandchild); }));
}

CAF_TEST(a missing program is a missing dependency and leaves no zombie) {
  processes p;
  const auto before = open_descriptors();
  for (const auto* name : {"no-such-program-of-holt", "/nowhere/no-such-program"}) {
    process_spec spec;
    spec.argv = {name};
    spec.env = {{"PATH", standard_path}};
    auto c = p.finish(spec);
    CAF_REQUIRE(c->failed());
    CAF_CHECK(c->started->error().code == errc::dependency_missing);
    CAF_CHECK(c->started->error().detail.find(name) != std::string::npos);
  }
  CAF_CHECK_EQUAL(zombies(), 0u);
  CAF_CHECK_EQUAL(open_descriptors(), before + 3); // the io_context's own, made at the first use
  CAF_CHECK_EQUAL(p.by.children()->size(), 0u);
}

CAF_TEST(what cannot be executed fails with the reason) {
  processes p;
  temp_dir dir;
  const auto file = dir.path / "text";
  std::ofstream(file) << "no program";
  process_spec spec;
  spec.argv = {file.string()};
  auto c = p.finish(spec);
  CAF_REQUIRE(c->failed());
  CAF_CHECK(c->started->error().code == errc::spawn_failed);
  auto nowhere = sh("true");
  nowhere.cwd = (dir.path / "missing").string();
  auto d = p.finish(nowhere);
  CAF_REQUIRE(d->failed());
  CAF_CHECK(d->started->error().code == errc::not_found);
  CAF_CHECK(d->started->error().detail.find("missing") != std::string::npos);
  process_spec empty;
  CAF_CHECK(p.finish(empty)->failed());
  auto stdio = sh("true");
  stdio.descriptors[1] = 1;
  CAF_CHECK(p.finish(stdio)->failed());
}

CAF_TEST(a program that was just written runs although somebody has it open for a moment) {
  processes p;
  temp_dir dir;
  const auto tool = dir.path / "tool";
  std::filesystem::copy_file("/bin/true", tool);
  process_spec spec;
  spec.argv = {tool.string()};
  for (int tries = 1;; ++tries) {
    const int writer = ::open(tool.c_str(), O_WRONLY | O_CLOEXEC);
    CAF_REQUIRE(writer >= 0);
    const auto begun = std::chrono::steady_clock::now();
    auto c = p.start(spec);
    p.until([] { return false; }, milliseconds{5}); // it is tried meanwhile
    ::close(writer);
    const auto held = std::chrono::steady_clock::now() - begun;
    CAF_REQUIRE(p.until([&] { return c->ended.has_value() || c->failed(); }));
    if (c->failed() && held > milliseconds{60} && tries < 20)
      continue; // we were held up: it was open for more than a moment
    CAF_CHECK(c->ended == exit_status({0, {}}));
    break;
  }
}

CAF_TEST(a program that stays open for writing is told of) {
  processes p;
  temp_dir dir;
  const auto tool = dir.path / "tool";
  std::filesystem::copy_file("/bin/true", tool);
  const int writer = ::open(tool.c_str(), O_WRONLY | O_CLOEXEC);
  process_spec spec;
  spec.argv = {tool.string()};
  auto c = p.finish(spec);
  ::close(writer);
  CAF_REQUIRE(c->failed());
  CAF_CHECK(c->started->error().code == errc::spawn_failed);
}

CAF_TEST(a child has the descriptors 0 and 1 and 2 and those it was given) {
  processes p;
  // Left open without close-on-exec, as a library might.
  const int stray = ::open("/dev/null", O_RDONLY);
  std::array<int, 2> pipe{};
  CAF_REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
  auto bare = p.finish(sh("echo $(ls /proc/self/fd)"));
  // ls itself has the folder open as its lowest free number
  CAF_CHECK_EQUAL(bare->line(0), "0 1 2 3");
  auto spec = sh("echo 42 >&5; echo $(ls /proc/self/fd)");
  spec.descriptors = {{5, pipe[1]}, {7, stray}};
  auto given = p.start(spec);
  ::close(pipe[1]); // the plan has its own copy
  CAF_REQUIRE(p.until([&] { return given->ended.has_value(); }));
  CAF_CHECK_EQUAL(given->line(0), "0 1 2 3 5 7");
  std::array<char, 8> text{};
  CAF_CHECK_EQUAL(::read(pipe[0], text.data(), text.size()), 3);
  CAF_CHECK_EQUAL(std::string(text.data()), "42\n");
  CAF_CHECK_EQUAL(::read(pipe[0], text.data(), text.size()), 0); // no copy is left anywhere
  ::close(pipe[0]);
  ::close(stray);
}

CAF_TEST(a child has exactly its environment and its own session and folder and limits) {
  processes p;
  ::setenv("HOLT_SECRET_TEST", "canary", 1);
  process_spec spec;
  spec.argv = {"env"};
  spec.path = standard_path;
  spec.env = {{"A", "1"}, {"B", "two words"}};
  auto c = p.finish(spec);
  auto lines = c->lines;
  std::sort(lines.begin(), lines.end());
  CAF_REQUIRE(lines.size() == 3);
  CAF_CHECK_EQUAL(lines[0], "A=1");
  CAF_CHECK_EQUAL(lines[1], "B=two words");
  CAF_CHECK_EQUAL(lines[2], "HOLT_CHILD=" + c->handle->target().key);
  temp_dir dir;
  auto more = sh("echo $(cut -d' ' -f1,6 /proc/$$/stat) $$; pwd; ulimit -n; ulimit -Hn; ulimit -c; "
                 "grep SigBlk /proc/self/status; grep SigIgn /proc/self/status; cat; echo end");
  more.cwd = dir.path.string();
  ::signal(SIGPIPE, SIG_IGN);
  auto d = p.finish(more);
  std::istringstream ids{d->line(0)};
  pid_t pid = 0, session = -1, shell = -2;
  ids >> pid >> session >> shell;
  CAF_CHECK_EQUAL(pid, shell);
  CAF_CHECK_EQUAL(session, shell);
  CAF_CHECK_EQUAL(d->line(1), std::filesystem::canonical(dir.path).string());
  CAF_CHECK_EQUAL(d->line(2), "1024");
  CAF_CHECK_EQUAL(d->line(3), "1024");
  CAF_CHECK_EQUAL(d->line(4), "0");
  CAF_CHECK_EQUAL(d->line(5), "SigBlk:\t0000000000000000");
  CAF_CHECK_EQUAL(d->line(6), "SigIgn:\t0000000000000000");
  CAF_CHECK_EQUAL(d->line(7), "end"); // stdin is empty
}

CAF_TEST(the last lines and the log file have all that was printed before the end) {
  processes p;
  temp_dir dir;
  auto spec = sh("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; printf tail; "
                 "echo oops >&2; exit 1");
  spec.log_file = (dir.path / "child.log").string();
  auto c = p.finish(spec);
  CAF_REQUIRE(c->ended);
  CAF_CHECK_EQUAL(c->lines.size(), 3001u);
  const auto last = c->handle->last_lines(2);
  CAF_REQUIRE(last.size() == 2);
  CAF_CHECK_EQUAL(last[0], "line 2999");
  CAF_CHECK_EQUAL(last[1], "tailoops");
  std::ifstream in{spec.log_file};
  std::string line, newest;
  std::size_t count = 0;
  while (std::getline(in, line)) {
    newest = line;
    ++count;
  }
  CAF_CHECK_EQUAL(count, 3001u);
  CAF_CHECK_EQUAL(newest, "tailoops");
}

CAF_TEST(a log file that was moved away is opened anew when that is asked for) {
  processes p;
  temp_dir dir;
  auto spec = sh("trap 'echo second; exit 0' USR1; echo first; while :; do sleep 0.01; done");
  spec.log_file = (dir.path / "child.log").string();
  auto c = p.start(spec);
  CAF_REQUIRE(p.until([&] { return !c->lines.empty(); }));
  std::filesystem::rename(spec.log_file, dir.path / "moved");
  log::reopen();
  c->handle->signal(SIGUSR1);
  CAF_REQUIRE(p.until([&] { return c->ended.has_value(); }));
  std::string moved, fresh;
  std::getline(std::ifstream{dir.path / "moved"}, moved, '\0');
  std::getline(std::ifstream{spec.log_file}, fresh, '\0');
  CAF_CHECK_EQUAL(moved, "first\n");
  CAF_CHECK_EQUAL(fresh, "second\n");
}

CAF_TEST(the end of a child tells its largest memory when that was more than ours) {
  processes p;
  process_spec big;
  big.argv = {"/usr/bin/python3", "-c", "x = b'x' * (300 << 20)"};
  auto c = p.finish(big);
  CAF_REQUIRE(c->ended);
  CAF_CHECK((*c->ended == exit_status{0, {}}));
  CAF_CHECK(c->ended->peak_rss_bytes > (300u << 20));
  CAF_CHECK(c->ended->peak_rss_bytes < (600u << 20));
  auto small = p.finish(sh("exit 0"));
  CAF_REQUIRE(small->ended);
  CAF_CHECK_EQUAL(small->ended->peak_rss_bytes, std::uint64_t{0}); // the kernel shows ours there
}

CAF_TEST(two hundred starts leave no descriptor and no zombie) {
  processes p;
  p.finish(sh("true"));
  const auto before = open_descriptors();
  std::vector<std::shared_ptr<child>> all;
  for (int i = 0; i < 200; ++i)
    all.push_back(p.start(sh("exit " + std::to_string(i % 100))));
  CAF_REQUIRE(p.until(
    [&] {
      return std::all_of(all.begin(), all.end(), [](auto& c) { return c->ended.has_value(); });
    },
    milliseconds{50'000}));
  for (int i = 0; i < 200; ++i)
    CAF_CHECK((*all[static_cast<std::size_t>(i)]->ended == exit_status{i % 100, {}}));
  CAF_CHECK_EQUAL(zombies(), 0u);
  CAF_CHECK_EQUAL(open_descriptors(), before);
}

CAF_TEST(children die with the thread that started them) {
  boost::asio::io_context io;
  pid_t pid = 0;
  {
    spawner by;
    std::optional<result<pid_t>> started;
    process_handlers h;
    h.on_started = [&](result<pid_t> r) { started = r; };
    auto handle = process::start(by, io.get_executor(), sh("exec sleep 1000"), h);
    CAF_REQUIRE(run_until(io, [&] { return started.has_value(); }));
    pid = **started;
    CAF_CHECK(alive(pid));
  }
  CAF_CHECK(eventually([&] { return !alive(pid); }));
}
