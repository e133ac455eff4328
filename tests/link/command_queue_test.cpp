// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE command_queue

#include "link/command_queue.hpp"

#include "tests/link/journal_fixture.hpp"
#include "tests/link/ledger_fixture.hpp"

#include <set>

using namespace holt;
using namespace holt::link;

namespace {

using where = command_queue::where;

/// Starts whatever may start.
std::vector<command_number> start_all(command_queue& q) {
  std::vector<command_number> out;
  while (auto n = q.next())
    out.push_back(*n);
  return out;
}

struct filler {
  command_queue& q;
  command_number last = 0;

  command_number push(const std::string& src, pace how = pace::slow) {
    const auto n = last + 1;
    if (!q.push(n, src, how))
      return 0;
    return last = n;
  }
};

} // namespace

CAF_TEST(thirty - two run and two hundred fifty - six wait and then it is busy) {
  command_queue q;
  filler f{q};
  for (int i = 0; i < 32 + 256; ++i) {
    CAF_REQUIRE(f.push("a") != 0);
    start_all(q);
  }
  CAF_CHECK_EQUAL(q.running(), 32u);
  CAF_CHECK_EQUAL(q.waiting(), 256u);
  CAF_CHECK_EQUAL(f.push("a"), 0u);
  CAF_CHECK(q.push(1'000, "a", pace::quick).error().code == errc::busy);
  q.done(1);
  CAF_CHECK_EQUAL(start_all(q).size(), 1u);
  CAF_CHECK(f.push("a") != 0);
  CAF_CHECK_EQUAL(f.push("a"), 0u);
}

CAF_TEST(all at once counts the same as one by one) {
  command_queue q;
  filler f{q};
  for (int i = 0; i < 32 + 256; ++i)
    CAF_REQUIRE(f.push("a") != 0);
  CAF_CHECK_EQUAL(f.push("a"), 0u);
  CAF_CHECK_EQUAL(start_all(q).size(), 32u);
}

CAF_TEST(within one agent it is first come first served) {
  command_queue q;
  filler f{q};
  std::vector<command_number> pushed;
  for (int i = 0; i < 100; ++i)
    pushed.push_back(f.push("a", i % 3 ? pace::slow : pace::quick));
  std::vector<command_number> started;
  for (auto n : start_all(q))
    started.push_back(n);
  for (std::size_t i = 0; started.size() < pushed.size(); ++i) {
    q.done(started[i]);
    for (auto n : start_all(q))
      started.push_back(n);
  }
  CAF_CHECK(started == pushed);
}

CAF_TEST(agents take turns) {
  queue_limits limits;
  limits.running = 1;
  limits.express = 0;
  command_queue q{limits};
  filler f{q};
  std::map<command_number, std::string> whose;
  for (const char* src : {"a", "b", "c"})
    for (int i = 0; i < 3; ++i)
      whose[f.push(src)] = src;
  std::string order;
  while (auto n = q.next()) {
    order += whose[*n];
    q.done(*n);
  }
  CAF_CHECK_EQUAL(order, "abcabcabc");
}

CAF_TEST(a read of another starts at once although one agent fills everything) {
  command_queue q;
  filler f{q};
  while (f.push("hog") != 0)
    ;
  start_all(q);
  while (f.push("hog") != 0)
    ;
  CAF_CHECK_EQUAL(q.running(), 32u);
  CAF_CHECK_EQUAL(q.waiting(), 256u);
  const auto read = f.push("guest", pace::quick);
  CAF_REQUIRE(read != 0);
  const auto started = start_all(q);
  CAF_REQUIRE_EQUAL(started.size(), 1u);
  CAF_CHECK_EQUAL(started[0], read);
  // And again and again.
  for (int i = 0; i < 1'000; ++i) {
    const auto before = f.last;
    q.done(before);
    const auto next = f.push("guest", pace::quick);
    CAF_REQUIRE(next != 0);
    CAF_CHECK(q.next() == next);
  }
}

CAF_TEST(long commands of guests leave slots for reads) {
  command_queue q;
  filler f{q};
  for (int i = 0; i < 32; ++i)
    f.push("hog");
  start_all(q);
  for (int i = 0; i < 20; ++i)
    f.push("guest" + std::to_string(i));
  CAF_CHECK_EQUAL(start_all(q).size(), 4u);
  const auto read = f.push("reader", pace::quick);
  CAF_CHECK(q.next() == read);
  // A read overtakes an agent's own long commands there.
  const auto own = f.push("guest19", pace::quick);
  CAF_CHECK(q.next() == own);
}

CAF_TEST(the bounds hold whatever comes) {
  command_queue q;
  filler f{q};
  for (int i = 0; i < 10'000; ++i) {
    f.push("src" + std::to_string(i % 5'000), i % 2 ? pace::quick : pace::slow);
    start_all(q);
  }
  CAF_CHECK(q.running() <= 40u);
  CAF_CHECK(q.waiting() <= 320u);
}

CAF_TEST(a waiting command is cancelled and a running one is only named) {
  command_queue q;
  filler f{q};
  for (int i = 0; i < 40; ++i)
    f.push("a");
  start_all(q);
  CAF_CHECK(q.find(1) == where::running);
  CAF_CHECK(q.cancel(1) == where::running);
  CAF_CHECK(q.find(1) == where::running);
  CAF_CHECK(q.cancel(40) == where::waiting);
  CAF_CHECK(q.find(40) == where::unknown);
  CAF_CHECK(q.cancel(40) == where::unknown);
  CAF_CHECK_EQUAL(q.waiting(), 7u);
  q.done(40);
  q.done(1);
  q.done(1);
  CAF_CHECK_EQUAL(q.running(), 31u);
}

CAF_TEST(waiting commands expire at their deadline and running ones do not ) {
  command_queue q;
  for (command_number n = 1; n <= 40; ++n)
    CAF_REQUIRE(q.push(n, "a", pace::slow, n == 5 ? 90 : n == 35 ? 100 : n == 36 ? 200 : 10'000));
  start_all(q);
  CAF_CHECK(q.next_deadline() == 100);
  CAF_CHECK(q.expire(100).empty());
  CAF_CHECK(q.expire(101) == std::vector<command_number>{35});
  CAF_CHECK(q.next_deadline() == 200);
  CAF_CHECK(q.find(35) == where::unknown);
  CAF_CHECK(q.find(5) == where::running);
  CAF_CHECK_EQUAL(q.expire(20'000).size(), 7u);
  CAF_CHECK(!q.next_deadline().has_value());
}

CAF_TEST(a drained queue gives all that waited in order) {
  command_queue q;
  filler f{q};
  for (int i = 0; i < 40; ++i)
    f.push(i % 2 ? "a" : "b");
  start_all(q);
  auto drained = q.drain();
  CAF_CHECK_EQUAL(drained.size(), 8u);
  CAF_CHECK(std::is_sorted(drained.begin(), drained.end()));
  CAF_CHECK_EQUAL(q.waiting(), 0u);
  CAF_CHECK_EQUAL(q.running(), 32u);
}

CAF_TEST(random pushes and ends never break the books) {
  std::mt19937_64 chance{test::test_seed()};
  const auto pick = [&](std::uint64_t n) { return chance() % n; };
  for (int round = 0; round < 200; ++round) {
    queue_limits limits;
    limits.running = 1 + pick(4);
    limits.waiting = 1 + pick(8);
    limits.express = pick(4);
    limits.express_slow = pick(limits.express + 1);
    limits.guest_places = pick(5);
    limits.guest_share = pick(3);
    command_queue q{limits};
    std::set<command_number> waiting;
    std::set<command_number> running;
    command_number last = 0;
    for (int i = 0; i < 500; ++i) {
      switch (pick(6)) {
      case 0:
      case 1:
        if (q.push(++last, std::string(1, static_cast<char>('a' + pick(4))),
                   pick(2) ? pace::quick : pace::slow,
                   pick(3) ? std::nullopt : std::optional<std::int64_t>(pick(1'000))))
          waiting.insert(last);
        break;
      case 2:
        while (auto n = q.next()) {
          CAF_REQUIRE_EQUAL(waiting.erase(*n), 1u);
          running.insert(*n);
        }
        if (!waiting.empty())
          CAF_REQUIRE(q.running() >= limits.running);
        break;
      case 3:
        if (!running.empty()) {
          auto n = *std::next(running.begin(), static_cast<long>(pick(running.size())));
          q.done(n);
          running.erase(n);
        }
        break;
      case 4: {
        const auto n = 1 + pick(last + 1);
        const auto was = q.cancel(n);
        CAF_REQUIRE((was == where::waiting) == (waiting.erase(n) == 1));
        CAF_REQUIRE((was == where::running) == (running.count(n) == 1));
        break;
      }
      default:
        for (auto n : q.expire(static_cast<std::int64_t>(pick(200))))
          CAF_REQUIRE_EQUAL(waiting.erase(n), 1u);
      }
      CAF_REQUIRE_EQUAL(q.waiting(), waiting.size());
      CAF_REQUIRE_EQUAL(q.running(), running.size());
      CAF_REQUIRE(running.size() <= limits.running + limits.express);
      CAF_REQUIRE(waiting.size() <= limits.running + limits.waiting + limits.guest_places);
    }
  }
}

CAF_TEST(what may take long is slow) {
  using test::make_command;
  CAF_CHECK(pace_of(make_command(command_kind::fs_read, "1")) == pace::quick);
  CAF_CHECK(pace_of(make_command(command_kind::fs_write, "1")) == pace::quick);
  CAF_CHECK(pace_of(make_command(command_kind::shell_exec, "1")) == pace::slow);
  auto batch = make_command(command_kind::batch, "1");
  CAF_CHECK(pace_of(batch) == pace::quick);
  batch.body["items"] = nlohmann::json::parse(R"([{"type":"fs.read"},7,{"type":3}])");
  CAF_CHECK(pace_of(batch) == pace::quick);
  batch.body["items"].push_back({{"type", "shell.exec"}});
  CAF_CHECK(pace_of(batch) == pace::slow);
}
