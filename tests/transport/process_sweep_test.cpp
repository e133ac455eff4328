// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE process_sweep

#include "transport/process_killer.hpp"
#include "transport/process_table.hpp"
#include "transport/reaper.hpp"

#include "check.hpp"
#include "transport/process_fixture.hpp"

#include <caf/all.hpp>

#include <fstream>

using namespace holt;
using namespace holt::test;

namespace {

std::size_t living_descendants() {
  std::size_t n = 0;
  const auto table = read_process_table();
  for (const auto pid : descendants(table, ::getpid()))
    n += table.at(pid).state == 'Z' ? 0 : 1;
  return n;
}

/// Children of ours that are `sleep` by now. Who is just becoming another program has no
/// environment for a moment, and so no marker.
std::size_t sleepers() {
  std::size_t n = 0;
  for (const auto pid : descendants(read_process_table(), ::getpid())) {
    std::string name;
    std::ifstream in{"/proc/" + std::to_string(pid) + "/cmdline"};
    n += std::getline(in, name, '\0') && name == "sleep" ? 1 : 0;
  }
  return n;
}

/// By session, parents and marker alone: that must suffice where there are no cgroups.
sweep_result sweep_now(processes& p, process_target target) {
  target.cgroup.clear();
  process_killer killer;
  std::atomic<bool> done{false};
  sweep_result out;
  const auto begin = steady_clock::now();
  killer.kill(target, milliseconds{20'000}, [&](sweep_result r) {
    out = r;
    done = true;
  });
  CAF_CHECK(p.until([&] { return done.load(); }, milliseconds{25'000}));
  CAF_MESSAGE(
    "sweep took " << std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin).count()
                  << " ms and killed " << out.killed);
  return out;
}

} // namespace

CAF_TEST(a name with parentheses and spaces does not confuse the process table) {
  const auto row = parse_stat("17 (a) R 1 (b) c) T 5 17 16 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 "
                              "123456 99 1 18446744073709551615");
  CAF_REQUIRE(row);
  CAF_CHECK_EQUAL(row->pid, 17);
  CAF_CHECK_EQUAL(row->parent, 5);
  CAF_CHECK_EQUAL(row->session, 16);
  CAF_CHECK_EQUAL(row->state, 'T');
  CAF_CHECK_EQUAL(row->start_time, 123456u);
  CAF_CHECK(!parse_stat(""));
  CAF_CHECK(!parse_stat("17 (a"));
  CAF_CHECK(!parse_stat("17 (a) S 1 2"));
  CAF_CHECK(process_start_time(::getpid()) > 0);
}

CAF_TEST(twenty orphans in sessions of their own do not survive while the child lives) {
  processes p;
  reaper r{p.io.get_executor(), p.by.children()};
  auto c = p.start(sh("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do "
                      "setsid sh -c 'setsid sleep 1000 & exit 0' > /dev/null 2>&1; done; "
                      "echo ready; sleep 1000"));
  CAF_REQUIRE(p.until([&] { return !c->lines.empty(); }));
  CAF_CHECK(eventually([] { return living_descendants() == 22 && sleepers() == 21; }));
  CAF_CHECK_EQUAL(sweep_now(p, c->handle->target()).survivors, 0u);
  CAF_CHECK_EQUAL(living_descendants(), 0u);
  CAF_REQUIRE(p.until([&] { return c->ended.has_value(); }));
  CAF_CHECK((*c->ended == exit_status{{}, SIGKILL}));
  CAF_CHECK(p.until([&] { return r.strangers() >= 20; }));
}

CAF_TEST(orphans do not survive after their child has ended) {
  processes p;
  reaper r{p.io.get_executor(), p.by.children()};
  auto bystander = p.start(sh("echo ready; sleep 1000"));
  auto c = p.finish(sh("for i in 1 2 3 4 5 6 7 8 9 10; do "
                       "setsid sh -c 'setsid sleep 1000 & exit 0' > /dev/null 2>&1; "
                       "sleep 1000 > /dev/null 2>&1 & done; exit 0"));
  CAF_REQUIRE(c->ended);
  // 20 and the bystander's two
  CAF_CHECK(eventually([&] { return living_descendants() == 22 && sleepers() == 21; }));
  CAF_CHECK_EQUAL(sweep_now(p, c->handle->target()).survivors, 0u);
  CAF_CHECK(p.until([&] { return living_descendants() == 2; }));
  CAF_CHECK(alive(bystander->pid()));
  CAF_CHECK_EQUAL(sweep_now(p, bystander->handle->target()).survivors, 0u);
  CAF_CHECK_EQUAL(living_descendants(), 0u);
  CAF_CHECK(p.until([&] { return bystander->ended.has_value(); }));
}

CAF_TEST(descendants without the marker do not survive while their parents live) {
  processes p;
  reaper r{p.io.get_executor(), p.by.children()};
  auto c = p.start(sh("env -i /bin/sh -c '/usr/bin/setsid /bin/sh -c \"/bin/sleep 1000 & "
                      "/bin/sleep 1000 & echo ready; wait\"' & wait"));
  CAF_REQUIRE(p.until([&] { return !c->lines.empty(); }));
  CAF_CHECK(eventually([] { return living_descendants() >= 4; }));
  CAF_CHECK_EQUAL(sweep_now(p, c->handle->target()).survivors, 0u);
  CAF_CHECK_EQUAL(living_descendants(), 0u);
  CAF_CHECK(p.until([&] { return c->ended.has_value(); }));
}

CAF_TEST(a child that forks without pause is caught) {
  processes p;
  reaper r{p.io.get_executor(), p.by.children()};
  auto c = p.start(sh("echo ready; while :; do setsid sh -c 'sleep 1000 & exec sleep 1000' & "
                      "sleep 0.002; done > /dev/null 2>&1"));
  CAF_REQUIRE(p.until([&] { return !c->lines.empty(); }));
  CAF_REQUIRE(eventually([] { return living_descendants() > 12; }));
  CAF_CHECK_EQUAL(sweep_now(p, c->handle->target()).survivors, 0u);
  CAF_CHECK_EQUAL(living_descendants(), 0u);
  CAF_CHECK(p.until([&] { return c->ended.has_value(); }));
}

CAF_TEST(a target with a foreign start time kills nothing) {
  processes p;
  auto c = p.start(sh("echo ready; exec sleep 1000"));
  CAF_REQUIRE(p.until([&] { return !c->lines.empty(); }));
  auto target = c->handle->target();
  target.start_time += 1;
  target.key = "another";
  CAF_CHECK_EQUAL(sweep_now(p, target).killed, 0u);
  CAF_CHECK(alive(c->pid()));
  CAF_CHECK_EQUAL(sweep_now(p, c->handle->target()).killed, 1u);
  CAF_CHECK(p.until([&] { return c->ended.has_value(); }));
}

CAF_TEST(the time of a start is shown) {
  processes p;
  const auto begin = steady_clock::now();
  for (int i = 0; i < 100; ++i) {
    process_spec spec;
    spec.argv = {"/bin/true"};
    CAF_CHECK(p.finish(spec)->ended.has_value());
  }
  CAF_MESSAGE(
    "start to exit: "
    << std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begin).count()
         / 100
    << " us on average");
}

CAF_TEST(a stopped child is killed) {
  processes p;
  auto c = p.start(sh("echo ready; kill -STOP $$; echo never"));
  CAF_REQUIRE(p.until([&] { return !c->lines.empty(); }));
  CAF_CHECK_EQUAL(sweep_now(p, c->handle->target()).survivors, 0u);
  CAF_CHECK(p.until([&] { return c->ended.has_value(); }));
}
