// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE process_room

#include "shell/process_room.hpp"
#include "tests/shell/shell_fixture.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <fstream>
#include <sys/stat.h>

#include <boost/asio/post.hpp>

using namespace holt;
using namespace holt::shell;
using namespace holt::test;

namespace {

struct fixture : shell_jobs {
  std::vector<nlohmann::json> told;
  std::vector<std::weak_ptr<live_process>> known;
  std::unique_ptr<process_room> room;

  fixture() {
    process_room::parts parts{{by, killer},
                              io.get_executor(),
                              defaults,
                              {},
                              2,
                              nullptr,
                              nullptr,
                              std::make_shared<std::atomic<std::uint64_t>>(0)};
    parts.post = [this](std::function<void(process_room&)> work) {
      boost::asio::post(io, [this, work = std::move(work)] {
        if (room)
          work(*room);
      });
    };
    parts.tell = [this](nlohmann::json news) { told.push_back(std::move(news)); };
    room = std::make_unique<process_room>(std::move(parts));
  }

  /// Nothing of one test is left for the next; a process lets go of itself once its ends were read.
  ~fixture() {
    room.reset();
    until([this] {
      return living_descendants() == 0
             && std::all_of(known.begin(), known.end(), [](auto& one) { return one.expired(); });
    });
  }

  process_request script(const std::string& text) const {
    process_request what;
    what.command = "sh";
    what.args = {"-c", text};
    what.plan.argv = {"sh", "-c", text};
    what.plan.cwd = dir.path.string();
    return what;
  }

  result<live_process_ptr> make(process_request what) {
    std::optional<result<live_process_ptr>> got;
    room->create(std::move(what), [&](result<live_process_ptr> made) { got = std::move(made); });
    CAF_REQUIRE(until([&] { return got.has_value(); }));
    if (*got)
      known.push_back(**got);
    return *got;
  }
  live_process_ptr good(process_request what) {
    auto made = make(std::move(what));
    CAF_REQUIRE(made.has_value());
    return *made;
  }
  /// A program that waits for who reads its output, of which so much is kept.
  live_process_ptr lossless(const std::string& code, std::size_t kept) {
    process_limits small;
    small.max_log_bytes = kept;
    room->set_limits(small);
    auto what = script(code);
    what.lossless = true;
    return good(std::move(what));
  }
  bool over(const live_process_ptr& who) {
    return until([&] { return who->exited(); });
  }
  std::string printed(const live_process_ptr& who) {
    std::string all;
    log_query what;
    what.max_bytes = SIZE_MAX;
    for (auto& entry : who->log().read(what).entries)
      all += entry.bytes;
    return all;
  }
  nlohmann::json run(const std::string& text, milliseconds timeout, std::size_t most = 1'000) {
    run_request what;
    what.plan.argv = {"sh", "-c", text};
    what.plan.cwd = dir.path.string();
    what.plan.input = false;
    what.plan.timeout = timeout;
    what.max_output = most;
    std::optional<result<nlohmann::json>> got;
    room->run(std::move(what), [&](result<nlohmann::json> answer) { got = std::move(answer); });
    CAF_REQUIRE(until([&] { return got.has_value(); }));
    CAF_REQUIRE(got->has_value());
    return **got;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(process_room_tests, fixture)

CAF_TEST(a process is seen from its start to its end) {
  auto one = good(script("echo out; echo err >&2; exit 7"));
  CAF_CHECK_EQUAL(one->id(), "proc_1");
  CAF_CHECK(room->find("proc_1") == one);
  CAF_REQUIRE(over(one));
  const auto document = one->document();
  CAF_CHECK_EQUAL(document["exitCode"].get<int>(), 7);
  CAF_CHECK_EQUAL(document["status"].get<std::string>(), "exited");
  CAF_CHECK(!document.contains("pid"));
  CAF_CHECK_EQUAL(printed(one).size(), 8u);
  CAF_REQUIRE(until([&] { return told.size() == 2; }));
  CAF_CHECK_EQUAL(told[0]["phase"].get<std::string>(), "started");
  CAF_CHECK_EQUAL(told[1]["exit_code"].get<int>(), 7);
}

CAF_TEST(input arrives and its end too) {
  auto one = good(script("cat; echo over"));
  CAF_CHECK(one->write("hello\n").has_value());
  CAF_CHECK(one->close_input().has_value());
  CAF_CHECK(one->write("late").has_error());
  CAF_REQUIRE(over(one));
  CAF_CHECK_EQUAL(printed(one), "hello\nover\n");
  CAF_CHECK(one->write("x").error().code == errc::conflict);
}

CAF_TEST(who does not read is told to others as busy) {
  auto one = good(script("sleep 60"));
  std::optional<result<void>> last;
  for (int i = 0; i < 100 && (!last || last->has_value()); ++i)
    last = one->write(std::string(64 * 1024, 'x'));
  CAF_CHECK(last->has_error() && last->error().code == errc::busy);
}

CAF_TEST(a missing program and folder name their field) {
  auto what = script("true");
  what.plan.argv = {"no-such-program-here"};
  CAF_CHECK(make(what).error().code == errc::not_found);
  what = script("true");
  what.plan.cwd = dir.path.string() + "/none";
  auto got = make(what);
  CAF_CHECK(got.error().code == errc::not_found);
  CAF_CHECK(got.error().detail.starts_with("cwd: "));
  CAF_CHECK(room->list().empty());
}

CAF_TEST(a kill answers when the whole tree is gone) {
  auto one = good(script("trap '' TERM; sleep 600 & env -i setsid sleep 601 & echo up; sleep 602"));
  CAF_REQUIRE(until([&] { return printed(one) == "up\n"; }));
  CAF_REQUIRE(until([&] { return living_descendants() >= 3; }));
  bool done = false;
  one->kill(milliseconds{20'000}, [&] {
    done = true;
    CAF_CHECK_EQUAL(living_descendants(), 0u);
  });
  CAF_REQUIRE(until([&] { return done; }));
  CAF_CHECK(one->exited());
  CAF_CHECK_EQUAL(one->exit_signal().value_or(0), SIGKILL);
}

CAF_TEST(what a process left behind can be killed after its end) {
  auto one = good(script("sleep 600 >/dev/null 2>&1 & echo up"));
  CAF_REQUIRE(over(one));
  CAF_REQUIRE(until([&] { return living_descendants() == 1; }));
  bool done = false;
  one->kill(milliseconds{20'000}, [&] { done = true; });
  CAF_REQUIRE(until([&] { return done; }));
  CAF_CHECK_EQUAL(living_descendants(), 0u);
}

CAF_TEST(an output held by what was left behind does not delay the end) {
  CAF_REQUIRE(::mkfifo((dir.path / "go").c_str(), 0600) == 0);
  auto one = good(script("(read x < go; echo later) & echo now"));
  CAF_REQUIRE(over(one));
  CAF_CHECK_EQUAL(printed(one), "now\n");
  std::ofstream{dir.path / "go"} << "on\n";
  CAF_REQUIRE(until([&] { return printed(one) == "now\nlater\n"; }));
}

CAF_TEST(waiting has a limit) {
  auto one = good(script("sleep 600"));
  bool early = false;
  one->wait(milliseconds{20}, [&] { early = true; });
  CAF_REQUIRE(until([&] { return early; }));
  CAF_CHECK(!one->exited());
  bool late = false;
  one->wait(milliseconds{20'000}, [&] { late = true; });
  CAF_CHECK(one->signal(SIGTERM).has_value());
  CAF_REQUIRE(until([&] { return late; }));
  CAF_CHECK(one->exited());
}

CAF_TEST(the newest ended ones are kept and running ones always) {
  auto lives = good(script("sleep 600"));
  std::vector<live_process_ptr> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back(good(script("true")));
    CAF_REQUIRE(over(all.back()));
  }
  CAF_REQUIRE(until([&] { return room->list().size() == 3; }));
  CAF_CHECK(room->find(lives->id()) == lives);
  CAF_CHECK(room->find(all[3]->id()) == all[3]);
  CAF_CHECK(room->find(all[0]->id()) == nullptr);
}

CAF_TEST(one that runs is not removed and one that ended is) {
  auto one = good(script("read x"));
  CAF_CHECK(room->remove(one->id()).error().code == errc::conflict);
  CAF_CHECK(one->close_input().has_value());
  CAF_REQUIRE(over(one));
  CAF_CHECK(room->remove(one->id()).has_value());
  CAF_CHECK(room->remove(one->id()).error().code == errc::not_found);
  for (const auto* id : {"proc_01", "proc_", "proc_x", "1", "", "proc_99999999999999999999"})
    CAF_CHECK(room->find(id) == nullptr);
}

CAF_TEST(more than the limit is refused) {
  auto limits = room->limits();
  limits.max_concurrent = 1;
  room->set_limits(limits);
  auto one = good(script("read x"));
  CAF_CHECK(make(script("true")).error().code == errc::conflict);
  CAF_CHECK(one->close_input().has_value());
  CAF_REQUIRE(over(one));
  CAF_CHECK(make(script("true")).has_value());
}

CAF_TEST(who hears of the end of a run finds its place free) {
  auto limits = room->limits();
  limits.max_concurrent = 1;
  room->set_limits(limits);
  run_request what;
  what.plan.argv = {"true"};
  what.plan.cwd = dir.path.string();
  what.max_output = 1000;
  std::optional<result<nlohmann::json>> second;
  bool refused_meanwhile = false;
  room->run(what, [&](const result<nlohmann::json>& first) {
    CAF_CHECK(first.has_value());
    room->run(what, [&](result<nlohmann::json> got) { second = std::move(got); });
  });
  room->run(what, [&](const result<nlohmann::json>& got) {
    refused_meanwhile = !got && got.error().code == errc::conflict;
  });
  CAF_CHECK(refused_meanwhile);
  CAF_REQUIRE(until([&] { return second.has_value(); }));
  CAF_CHECK(second->has_value());
}

CAF_TEST(a run answers its fields) {
  const auto got = run("echo out; echo err >&2; exit 3", milliseconds{20'000});
  CAF_CHECK_EQUAL(got["exitCode"].get<int>(), 3);
  CAF_CHECK_EQUAL(got["stdout"].get<std::string>(), "out\n");
  CAF_CHECK_EQUAL(got["stderr"].get<std::string>(), "err\n");
  CAF_CHECK(!got["stdoutTruncated"].get<bool>());
}

CAF_TEST(a run keeps its time - out though a grandchild holds the pipe) {
  // On a busy machine that may have passed before it said anything: then with a longer one.
  nlohmann::json got;
  for (int limit = 300; limit < 15'000; limit *= 6) {
    got = run("sleep 600 & echo hi; sleep 600", milliseconds{limit});
    if (!got["stdout"].get<std::string>().empty())
      break;
  }
  CAF_CHECK(got["timedOut"].get<bool>());
  CAF_CHECK(got["exitCode"].is_null());
  CAF_CHECK_EQUAL(got["stdout"].get<std::string>(), "hi\n");
  CAF_CHECK_EQUAL(living_descendants(), 0u);
}

CAF_TEST(a run is cut at its bound) {
  const auto got = run("seq 1 1000; echo e >&2", milliseconds{20'000}, 10);
  CAF_CHECK_EQUAL(got["stdout"].get<std::string>(), "1\n2\n3\n4\n5\n");
  CAF_CHECK(got["stdoutTruncated"].get<bool>());
  CAF_CHECK(!got["stderrTruncated"].get<bool>());
}

CAF_TEST(the end of the room ends its processes) {
  auto one = good(script("sleep 600 & sleep 600"));
  CAF_REQUIRE(until([&] { return living_descendants() >= 2; }));
  room.reset();
  CAF_REQUIRE(until([&] { return living_descendants() == 0 && one->exited(); }));
}

CAF_TEST(a terminal has its size and answers signals) {
  auto what = script("trap 'echo int; exit 9' INT; stty size; while :; do sleep 0.05; done");
  what.plan.terminal = true;
  what.plan.columns = 100;
  what.plan.rows = 30;
  auto one = good(what);
  CAF_REQUIRE(until([&] { return printed(one) == "30 100\r\n"; }));
  CAF_CHECK(one->resize(120, 40).has_value());
  CAF_CHECK_EQUAL(one->document()["cols"].get<int>(), 120);
  CAF_CHECK(one->signal(SIGINT).has_value());
  CAF_REQUIRE(over(one));
  CAF_CHECK_EQUAL(one->exit_code().value_or(-1), 9);
  CAF_CHECK(one->resize(1, 1).error().code == errc::conflict);
}

CAF_TEST(followers hear of output and of the end until they leave) {
  auto one = good(script("read x; echo a; read x; echo b"));
  int heard = 0;
  const auto number = one->follow([&] { ++heard; });
  CAF_CHECK(one->write("\n").has_value());
  CAF_REQUIRE(until([&] { return heard == 1; }));
  one->unfollow(number);
  CAF_CHECK(one->write("\n").has_value());
  CAF_REQUIRE(over(one));
  CAF_CHECK_EQUAL(heard, 1);
}

CAF_TEST(a reader who loses nothing is waited for and others are not) {
  auto one = lossless("head -c 5000000 /dev/zero; echo over >&2", 256 * 1024);
  const auto fast = one->follow([] {}); // follows, and never reads
  std::uint64_t came = 0;
  std::uint64_t most = 0;
  log_query from;
  std::uint64_t number = 0; // the first reader comes late
  CAF_REQUIRE(until([&] { return one->log().presses(0); }));
  while (true) {
    if (number == 0)
      number = one->hold(0);
    const bool exited = one->exited();
    const auto total = one->log().total(output_stream::out) + one->log().total(output_stream::err);
    most = std::max(most, total - came);
    const auto page = one->log().read(from);
    CAF_REQUIRE_EQUAL(page.lost.sequence, 0u);
    for (const auto& entry : page.entries)
      came += entry.bytes.size();
    if (exited && page.entries.empty())
      break;
    const auto before = from.since;
    from.since = page.next;
    one->taken(number, page.next);
    CAF_REQUIRE(until([&] { return one->exited() || one->log().last_sequence() > before; }));
  }
  CAF_CHECK_EQUAL(came, 5'000'005u);
  CAF_CHECK(most <= 256 * 1024);
  CAF_CHECK_EQUAL(one->exit_code().value_or(-1), 0);
  one->release(number, false);
  one->unfollow(fast);
}

CAF_TEST(a process goes on when the reader that it waited for leaves) {
  auto one = lossless("head -c 3000000 /dev/zero; echo over", 64 * 1024);
  const auto number = one->hold(0);
  const auto other = one->hold(0);
  CAF_REQUIRE(until([&] { return one->log().presses(0); }));
  one->release(other, true); // there is another one
  CAF_CHECK(!one->exited());
  one->release(number, false);
  CAF_REQUIRE(over(one));
  CAF_CHECK_EQUAL(one->log().total(output_stream::out), 3'000'005u);
}

CAF_TEST(a kill ends a process that waits for its reader) {
  auto one = lossless("cat /dev/zero & cat /dev/zero", 64 * 1024);
  CAF_REQUIRE(until([&] { return one->log().presses(0); }));
  bool gone = false;
  one->kill(milliseconds{20'000}, [&] { gone = true; });
  CAF_REQUIRE(until([&] { return gone; }));
  CAF_CHECK(one->exited());
  CAF_CHECK_EQUAL(living_descendants(), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
