// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE cgroup

#include "transport/cgroup.hpp"
#include "transport/reaper.hpp"

#include "check.hpp"
#include "transport/process_fixture.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <sys/stat.h>

using namespace holt;
using namespace holt::test;

namespace {

bool have_groups(const char* test) {
  const cgroup_home probe;
  if (!probe.usable())
    std::cout << "SKIPPED " << test << ": no writable cgroup v2 with cgroup.kill here\n";
  return probe.usable();
}

bool there(const std::string& path) {
  return std::filesystem::exists(path);
}

sweep_deadline soon() {
  return steady_clock::now() + milliseconds{20'000};
}

/// A group is empty a moment before its last process is a zombie.
bool ends(pid_t pid) {
  return eventually([&] { return !alive(pid); });
}

/// A tree whose leader ended; what is left has no marker, no living parent, its own session. The
/// leader says its number, and not before it has let go of the leader's output.
const char* const stranger
  = "echo $(env -i /usr/bin/setsid /bin/sh -c '/usr/bin/setsid /bin/sh -c \"echo \\$\\$; "
    "exec /bin/sleep 1000 > /dev/null 2>&1\" & exit 0'); exit 0";

} // namespace

CAF_TEST(an orphan that cannot be told from a stranger ends with its group) {
  if (!have_groups("an orphan that cannot be told from a stranger ends with its group"))
    return;
  processes p;
  reaper r{p.io.get_executor(), p.by.children()};
  auto c = p.finish(sh(stranger));
  CAF_REQUIRE(!c->lines.empty());
  const auto orphan = std::stoi(c->line(0));
  CAF_REQUIRE(alive(orphan));
  auto target = c->handle->target();
  CAF_REQUIRE(there(target.cgroup));
  auto by_session = target;
  by_session.cgroup.clear();
  CAF_CHECK_EQUAL(sweep_tree(by_session, soon()).killed, 0u); // why there are groups at all
  CAF_CHECK_EQUAL(sweep_tree(target, soon()).killed, 1u);
  CAF_CHECK(ends(orphan));
  CAF_CHECK(p.until([&] { return !there(target.cgroup) || remove_cgroup(target.cgroup); }));
}

CAF_TEST(a tree that made groups of its own ends with them) {
  if (!have_groups("a tree that made groups of its own ends with them"))
    return;
  processes p;
  reaper r{p.io.get_executor(), p.by.children()};
  auto c = p.start(sh("echo ready; while :; do sleep 0.01; done"));
  CAF_REQUIRE(p.until([&] { return !c->lines.empty(); }));
  const auto target = c->handle->target();
  const auto inner = target.cgroup + "/inner";
  const auto deeper = inner + "/deeper";
  CAF_REQUIRE(::mkdir(inner.c_str(), 0755) == 0 && ::mkdir(deeper.c_str(), 0755) == 0);
  std::ofstream{deeper + "/cgroup.procs"} << c->pid();
  CAF_CHECK(sweep_tree(target, soon()).killed >= 1);
  CAF_CHECK(ends(c->pid()));
  CAF_CHECK(p.until([&] { return c->ended.has_value(); }));
  CAF_CHECK(!there(target.cgroup));
}

CAF_TEST(groups of trees that ended by themselves do not pile up) {
  if (!have_groups("groups of trees that ended by themselves do not pile up"))
    return;
  processes p;
  std::vector<std::string> paths;
  for (int i = 0; i < 40; ++i) {
    auto c = p.finish(sh("exit 0"));
    CAF_REQUIRE(c->ended.has_value());
    paths.push_back(c->handle->target().cgroup);
    CAF_CHECK(!paths.back().empty());
  }
  const auto left = std::count_if(paths.begin(), paths.end(), there);
  CAF_CHECK(left <= 2);
}

CAF_TEST(the folder goes with its owner and what a dead owner left ends at the next start) {
  if (!have_groups(
        "the folder goes with its owner and what a dead owner left ends at the next start"))
    return;
  // A group of this test alone: every other start on this machine tidies ours, too.
  const auto yard = own_cgroup() + "/test-" + std::to_string(::getpid());
  CAF_REQUIRE(::mkdir(yard.c_str(), 0755) == 0 || errno == EEXIST);
  std::string mine;
  std::string theirs;
  {
    const cgroup_home home{yard};
    mine = home.folder();
    CAF_CHECK(there(mine));
    // No process has this number: it is above every limit.
    theirs = mine.substr(0, mine.rfind('-') + 1) + std::to_string(0x7ffffff0);
    CAF_REQUIRE(::mkdir(theirs.c_str(), 0755) == 0);
    CAF_REQUIRE(::mkdir((theirs + "/child").c_str(), 0755) == 0);
  }
  CAF_CHECK(!there(mine));
  {
    const cgroup_home again{yard};
    CAF_REQUIRE(there(theirs) == false);
  }
  processes p;
  auto left = p.start(sh("echo ready; exec sleep 1000"));
  CAF_REQUIRE(p.until([&] { return !left->lines.empty(); }));
  CAF_REQUIRE(::mkdir(theirs.c_str(), 0755) == 0);
  CAF_REQUIRE(::mkdir((theirs + "/child").c_str(), 0755) == 0);
  std::ofstream{theirs + "/child/cgroup.procs"} << left->pid();
  {
    const cgroup_home next{yard};
    // It does not wait long for the dying: then the one after it clears up.
    CAF_CHECK(ends(left->pid()));
  }
  CAF_CHECK(p.until([&] { return left->ended.has_value(); }));
  CAF_CHECK(eventually([&] {
    const cgroup_home after{yard};
    return !there(theirs);
  }));
  CAF_CHECK(remove_cgroup(yard));
}

CAF_TEST(all children of a daemon end with it) {
  if (!have_groups("all children of a daemon end with it"))
    return;
  processes p;
  reaper r{p.io.get_executor(), p.by.children()};
  auto a = p.start(sh("echo ready; exec sleep 1000"));
  auto b = p.finish(sh(stranger));
  CAF_REQUIRE(p.until([&] { return !a->lines.empty() && !b->lines.empty(); }));
  CAF_CHECK_EQUAL(kill_cgroups_of(::getpid(), soon()), 2u);
  CAF_CHECK(ends(a->pid()));
  CAF_CHECK(ends(std::stoi(b->line(0))));
  CAF_CHECK_EQUAL(kill_cgroups_of(::getpid(), soon()), 0u);
  CAF_CHECK(p.until([&] { return a->ended.has_value(); }));
  // The folder is gone under the spawner: the next child starts all the same.
  CAF_CHECK(p.finish(sh("exit 3"))->ended == exit_status{3, {}});
}

CAF_TEST(where no group can be made children start without) {
  for (const auto* own : {"", "/proc", "/nonexistent/cgroup", "/tmp"}) {
    cgroup_home home{own};
    CAF_CHECK(!home.usable());
    CAF_CHECK(!home.make());
  }
  CAF_CHECK_EQUAL(kill_cgroup("/nonexistent/cgroup/holt", soon()), 0u);
}
