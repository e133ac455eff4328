// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE journal_kill

#include "tests/link/journal_fixture.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <poll.h>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

// kill -9 of a process that writes a journal, at each named step and at random instants. What it
// has told its parent stands afterwards, whole; of what it had begun at most one step stands too;
// positions go on.

using namespace holt;
using namespace holt::link;
using namespace holt::link::test;

namespace {

/// What the child says after each call has returned. Small enough for one atomic write to a pipe.
struct said {
  char what = 0;        ///< r received, p planned, d done, x released, s swept
  std::uint32_t id = 0; ///< of the command
  std::uint64_t rseq = 0;
};

std::string command_of(std::uint32_t id) {
  // Some span many pages, so that a torn write would show.
  return "{\"id\":" + std::to_string(id) + ",\"fill\":\""
         + std::string(id % 7 == 0 ? 40'000 : id % 50, 'c') + "\"}";
}

std::string result_of(std::uint32_t id, std::uint64_t rseq) {
  return "{\"id\":" + std::to_string(id) + ",\"rseq\":" + std::to_string(rseq) + ",\"fill\":\""
         + std::string(id % 5 == 0 ? 30'000 : id % 40, 'r') + "\"}";
}

/// The child: works until it is killed or has done `commands`.
[[noreturn]] void work(journal_options how, int out, std::uint64_t seed, std::uint32_t first,
                       std::uint32_t commands) {
  const auto tell = [&](char what, std::uint32_t id, std::uint64_t rseq = 0) {
    said one;
    std::memset(static_cast<void*>(&one), 0, sizeof one);
    one.what = what;
    one.id = id;
    one.rseq = rseq;
    if (::write(out, &one, sizeof one) != static_cast<ssize_t>(sizeof one))
      ::_exit(3);
  };
  auto opened = journal_store::open(std::move(how));
  if (!opened)
    ::_exit(4);
  auto& j = **opened;
  if (!j.damage().empty())
    ::_exit(5);
  std::mt19937_64 chance{seed};
  std::vector<std::uint32_t> open;
  std::vector<std::uint32_t> answered;
  for (std::uint32_t id = first; id < first + commands; ++id) {
    const auto k = key(std::to_string(id));
    if (!j.received(k, "f", command_of(id), "", id))
      ::_exit(6);
    tell('r', id);
    if (!j.planned(k, "{\"plan\":" + std::to_string(id) + "}"))
      ::_exit(7);
    tell('p', id);
    open.push_back(id);
    while (!open.empty() && chance() % 3 != 0) {
      const auto which = chance() % open.size();
      const auto done = open[which];
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
      auto rseq = j.done(
        key(std::to_string(done)), [&](std::uint64_t n) { return result_of(done, n); }, done);
      if (!rseq)
        ::_exit(8);
      tell('d', done, *rseq);
      answered.push_back(done);
    }
    if (answered.size() > 10) {
      if (!j.release("main", "a", {std::to_string(answered.front())}))
        ::_exit(9);
      tell('x', answered.front());
      answered.erase(answered.begin());
    }
    if (id % 20 == 0 && !j.sweep(id))
      ::_exit(10);
  }
  ::_exit(0);
}

/// What the parent heard of all lives so far.
struct story {
  std::map<std::uint32_t, said> last; ///< of each command, the latest
  std::uint64_t top = 0;              ///< greatest position told
  std::uint32_t next_id = 1;

  void hear(said one) {
    if (one.what == 'x')
      one.rseq = last[one.id].rseq;
    last[one.id] = one;
    top = std::max(top, one.rseq);
    next_id = std::max(next_id, one.id + 1);
  }
  long newer_answers(std::uint64_t than) const {
    return std::count_if(last.begin(), last.end(),
                         [&](const auto& entry) { return entry.second.rseq > than; });
  }
};

/// Everything that arrives until the pipe closes; kills the child after so many microseconds.
void listen(int in, pid_t child, story& all, int kill_after_us) {
  const auto start = std::chrono::steady_clock::now();
  for (bool killed = false;;) {
    pollfd ready{in, POLLIN, 0};
    timespec wait{0, 0};
    if (!killed && kill_after_us >= 0) {
      const auto left
        = std::chrono::microseconds{kill_after_us} - (std::chrono::steady_clock::now() - start);
      const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
      if (ns <= 0) {
        ::kill(child, SIGKILL);
        killed = true;
        continue;
      }
      wait.tv_nsec = static_cast<long>(std::min<long long>(ns, 50'000'000));
    } else {
      wait.tv_sec = 30;
    }
    if (::ppoll(&ready, 1, &wait, nullptr) == 0) {
      if (killed || kill_after_us < 0)
        CAF_FAIL("the child neither works nor ends");
      continue;
    }
    said one;
    if (::read(in, &one, sizeof one) != static_cast<ssize_t>(sizeof one))
      return;
    all.hear(one);
  }
}

/// One life of the writer. Answers how it ended, as of waitpid.
int live(journal_options how, story& all, std::uint64_t seed, std::uint32_t commands,
         int kill_after_us) {
  int ends[2];
  CAF_REQUIRE_EQUAL(::pipe2(ends, O_CLOEXEC), 0);
  const auto first = all.next_id + 1; // the last one may have been begun unheard
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    work(std::move(how), ends[1], seed, first, commands);
  }
  ::close(ends[1]);
  listen(ends[0], child, all, kill_after_us);
  ::close(ends[0]);
  int status = 0;
  CAF_REQUIRE_EQUAL(::waitpid(child, &status, 0), child);
  return status;
}

/// The journal against what was heard.
void check(journal_options how, story& all) {
  const auto how_many_stay = static_cast<long>(how.limits.max_rows / 2);
  how.at_step = nullptr;
  auto j = open_or_fail(std::move(how));
  CAF_REQUIRE_EQUAL(j->damage(), "");
  CAF_REQUIRE(j->last_rseq() >= all.top);
  std::size_t ahead = 0; // steps that stand and were not heard
  std::set<std::uint64_t> positions;
  for (const auto& [id, one] : all.last) {
    const auto row = j->find(key(std::to_string(id))).value();
    if (!row) {
      CAF_REQUIRE(one.what == 'x' || one.what == 'd');
      // Either its release was not heard, or it was too old for the limit of rows.
      ahead += one.what == 'd' && all.newer_answers(one.rseq) < how_many_stay ? 1 : 0;
      continue;
    }
    CAF_REQUIRE(one.what != 'x');
    if (row->done) {
      CAF_REQUIRE_EQUAL(row->result, result_of(id, row->rseq));
      CAF_REQUIRE(positions.insert(row->rseq).second);
      CAF_REQUIRE(one.what != 'd' || one.rseq == row->rseq);
    } else {
      CAF_REQUIRE(one.what != 'd');
      CAF_REQUIRE_EQUAL(row->command, command_of(id));
      const auto plan = "{\"plan\":" + std::to_string(id) + "}";
      CAF_REQUIRE(row->plan == plan || (row->plan.empty() && one.what == 'r'));
    }
    ahead += (row->done && one.what != 'd') || (!row->plan.empty() && one.what == 'r') ? 1 : 0;
  }
  CAF_REQUIRE(ahead <= 1);
  // No other rows than those heard of, and the one that was being received.
  std::size_t unheard = 0;
  for (const auto& row : j->unfinished().value())
    unheard += all.last.count(static_cast<std::uint32_t>(std::stoul(row.key.id))) == 0 ? 1 : 0;
  CAF_REQUIRE(unheard + ahead <= 1);
  // Settled, so that the next life is judged alone.
  for (const auto& row : j->unfinished().value()) {
    const auto id = static_cast<std::uint32_t>(std::stoul(row.key.id));
    auto rseq = j->done(
      row.key, [&](std::uint64_t n) { return result_of(id, n); }, id);
    CAF_REQUIRE(rseq);
    CAF_REQUIRE(*rseq > all.top);
    all.hear({'d', id, *rseq});
  }
  for (auto& [id, one] : all.last) {
    const auto row = j->find(key(std::to_string(id))).value();
    one.what = row ? 'd' : 'x';
    one.rseq = row ? row->rseq : one.rseq;
    all.top = std::max(all.top, one.rseq);
  }
}

/// Many lives of a few journals, each ended within so many microseconds.
void kill_often(std::uint64_t within_us) {
  std::mt19937_64 chance{test_seed()};
  const int journals = std::getenv("HOLT_TEST_FAST") ? 3 : 13;
  int killed = 0;
  std::size_t commands = 0;
  // On a machine with much else to do: fewer.
  const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds{25};
  const auto goes_on = [&] { return killed < 20 || std::chrono::steady_clock::now() < enough; };
  for (int journal = 0; journal < journals && goes_on(); ++journal) {
    journal_dir dir;
    story all;
    for (int life = 0; life < 20 && goes_on(); ++life) {
      auto how = dir.options();
      how.limits.max_rows = 200;
      const auto after = static_cast<int>(chance() % within_us);
      const auto status = live(how, all, chance(), 1'000'000, after);
      CAF_REQUIRE(WIFSIGNALED(status));
      CAF_REQUIRE_EQUAL(WTERMSIG(status), SIGKILL);
      ++killed;
      check(how, all);
    }
    commands += all.last.size();
  }
  CAF_MESSAGE("killed " << killed << " times, " << commands << " commands");
}

} // namespace

CAF_TEST(killed at every named step it keeps what it said) {
  const std::set<std::string> steps{
    "open_begun",       "open_checked",  "open_ready",       "received_begun",
    "received_written", "planned_begun", "planned_written",  "done_begun",
    "done_made",        "done_written",  "release_begun",    "release_written",
    "sweep_begun",      "sweep_written", "checkpoint_begun", "checkpoint_written"};
  const auto seed = test_seed();
  for (const auto& name : steps)
    for (int nth : {1, 2, 7}) {
      journal_dir dir;
      story all;
      // Something must be there to be recovered.
      CAF_REQUIRE_EQUAL(live(dir.options(), all, seed, 20, -1), 0);
      check(dir.options(), all);
      auto how = dir.options();
      how.at_step = [&name, left = nth](std::string_view step) mutable {
        if (step == name && --left == 0)
          ::raise(SIGKILL);
      };
      const auto status = live(how, all, seed + static_cast<std::uint64_t>(nth), 400, -1);
      const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
      const bool once_only = name.starts_with("open_") || name.starts_with("checkpoint_");
      if (!killed && !(once_only && nth > 1))
        CAF_FAIL("no such step, or the child failed: " << name << " status " << status);
      check(dir.options(), all);
    }
}

CAF_TEST(killed at random instants while it works it keeps what it said) {
  kill_often(25'000);
}

CAF_TEST(killed at random instants while it opens it keeps what it said) {
  kill_often(4'000);
}

CAF_TEST(a journal of another process is not touched) {
  journal_dir dir;
  auto j = open_or_fail(dir.options());
  CAF_REQUIRE(j->received(key("1"), "f", "{}", "", 1));
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    auto second = journal_store::open(dir.options());
    ::_exit(second ? 1 : second.error().code == errc::io ? 0 : 2);
  }
  int status = 0;
  CAF_REQUIRE_EQUAL(::waitpid(child, &status, 0), child);
  CAF_CHECK_EQUAL(status, 0);
  CAF_CHECK(j->done(key("1"), text_with_rseq(), 2).has_value());
}
