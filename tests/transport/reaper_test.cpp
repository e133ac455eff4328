// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE reaper

#include "transport/reaper.hpp"

#include "check.hpp"
#include "transport/process_fixture.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <thread>

using namespace holt;
using namespace holt::test;

CAF_TEST(one that ended during starts is a stranger once those are over) {
  child_table table;
  const auto first = table.begin();
  CAF_CHECK(!table.stranger(5));
  const auto second = table.begin();
  CAF_CHECK(!table.stranger(5));
  table.end(first, 7, true);
  CAF_CHECK(table.stranger(5)); // the second began after it had ended
  CAF_CHECK(!table.stranger(7));
  table.end(second, 8, true);
  table.release(7);
  table.release(8);
  CAF_CHECK_EQUAL(table.size(), 0u);
  CAF_CHECK(table.stranger(7));
}

CAF_TEST(a child that ends before its start is over is no stranger) {
  child_table table;
  const auto start = table.begin();
  CAF_CHECK(!table.stranger(9));
  table.end(start, 9, true);
  CAF_CHECK(!table.stranger(9));
}

CAF_TEST(a suspect that somebody else waited for is forgotten) {
  child_table table;
  const auto first = table.begin();
  CAF_CHECK(!table.stranger(9));
  CAF_CHECK(!table.stranger(0)); // nobody is left
  const auto second = table.begin();
  table.end(first, 8, true);
  CAF_CHECK(!table.stranger(9)); // the second may have made it
  table.end(second, 9, true);
  CAF_CHECK(!table.stranger(9));
}

CAF_TEST(a number that comes back begins anew) {
  child_table table;
  const auto refused = table.begin();
  CAF_CHECK(!table.stranger(9));
  table.end(refused, 9, false); // its program could not be executed: waited for at once
  const auto next = table.begin();
  CAF_CHECK(!table.stranger(9));
  table.end(next, 9, true);
  CAF_CHECK(!table.stranger(9));
  table.release(9);
}

CAF_TEST(a change is told only where it may change the last answer) {
  child_table table;
  int told = 0;
  table.on_change([&] { ++told; });
  const auto quiet = table.begin();
  table.end(quiet, 7, true);
  CAF_CHECK(!table.stranger(0));
  table.release(7);
  CAF_CHECK_EQUAL(told, 0);
  const auto owned = table.begin();
  table.end(owned, 8, true);
  CAF_CHECK(!table.stranger(8)); // it stands before others until its owner waits for it
  table.release(8);
  CAF_CHECK_EQUAL(told, 1);
  const auto start = table.begin();
  CAF_CHECK(!table.stranger(9)); // this start may have made it
  table.end(start, 10, true);
  CAF_CHECK_EQUAL(told, 2);
  CAF_CHECK(table.stranger(9));
  table.release(10);
  CAF_CHECK_EQUAL(told, 2);
}

CAF_TEST(two hundred children keep their exit codes beside fifty orphans) {
  processes p;
  reaper r{p.io.get_executor(), p.by.children()};
  std::vector<std::shared_ptr<child>> all;
  std::vector<std::shared_ptr<child>> parents;
  for (int i = 0; i < 200; ++i) {
    all.push_back(p.start(sh("exit " + std::to_string(i % 7))));
    if (i % 4 == 0) // leaves an orphan that ends a moment later
      parents.push_back(p.start(sh("(read x < /dev/null; exit 3) > /dev/null 2>&1 & exit 0")));
  }
  auto done = [](auto& c) { return c->ended.has_value() || c->failed(); };
  CAF_REQUIRE(p.until(
    [&] {
      return std::all_of(all.begin(), all.end(), done)
             && std::all_of(parents.begin(), parents.end(), done);
    },
    milliseconds{50'000}));
  unsigned wrong = 0;
  for (int i = 0; i < 200; ++i)
    wrong += *all[static_cast<std::size_t>(i)]->ended == exit_status{i % 7, {}} ? 0 : 1;
  CAF_CHECK_EQUAL(wrong, 0u);
  CAF_CHECK(p.until([&] { return descendants(read_process_table(), ::getpid()).empty(); }));
  CAF_MESSAGE("strangers reaped: " << r.strangers());
  CAF_CHECK(r.strangers() > 0);
  CAF_CHECK_EQUAL(p.by.children()->size(), 0u);
}

CAF_TEST(children and orphans keep apart with two threads) {
  processes p;
  reaper r{p.io.get_executor(), p.by.children()};
  auto work = boost::asio::make_work_guard(p.io);
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] { p.io.run(); });
  std::atomic<int> right{0};
  std::atomic<int> ended{0};
  for (int i = 0; i < 100; ++i) {
    process_handlers h;
    h.on_exit = [&, i](exit_status s) {
      right += s == exit_status{i, {}} ? 1 : 0;
      ++ended;
    };
    process::start(p.by, p.io.get_executor(),
                   sh("(exit 3) > /dev/null 2>&1 & exit " + std::to_string(i)), h);
  }
  CAF_CHECK(eventually([&] { return ended == 100; }, milliseconds{40'000}));
  CAF_CHECK_EQUAL(right.load(), 100);
  CAF_CHECK(eventually([&] { return descendants(read_process_table(), ::getpid()).empty(); }));
  work.reset();
  p.io.stop();
  for (auto& t : threads)
    t.join();
}
