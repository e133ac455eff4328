// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE shell_job

#include "shell/shell_job.hpp"

#include "check.hpp"
#include "tests/shell/shell_fixture.hpp"

#include <caf/all.hpp>

#include <algorithm>

using namespace holt;
using namespace holt::test;
using shell::shell_stream;

CAF_TEST(python main py prints hello) {
  shell_jobs s;
  std::ofstream(s.dir.path / "main.py") << "print('Hello')\n";
  auto c = s.finish("python main.py || python3 main.py");
  CAF_CHECK(c->done->ok());
  CAF_CHECK_EQUAL(c->text("stdout"), "Hello\n");
  CAF_CHECK_EQUAL(c->number("exit_code"), 0);
  CAF_CHECK(!c->fields().contains("truncated"));
  CAF_CHECK(!c->fields().contains("signal"));
  CAF_CHECK(!c->fields().contains("held_open_by"));
}

CAF_TEST(a command that exits 1 is ok and both streams are apart) {
  shell_jobs s;
  auto c = s.finish("echo out; echo err >&2; exit 1");
  CAF_CHECK(c->done->ok());
  CAF_CHECK_EQUAL(c->text("stdout"), "out\n");
  CAF_CHECK_EQUAL(c->text("stderr"), "err\n");
  CAF_CHECK_EQUAL(c->number("exit_code"), 1);
  CAF_CHECK_EQUAL(c->out, "out\n");
  CAF_CHECK_EQUAL(c->err, "err\n");
  CAF_CHECK(c->started > 0);
  CAF_CHECK(!c->late);
}

CAF_TEST(a missing program is exit code 127 and a missing shell an error) {
  shell_jobs s;
  auto c = s.finish("no-such-program-of-holt");
  CAF_CHECK(c->done->ok());
  CAF_CHECK_EQUAL(c->number("exit_code"), 127);
  s.defaults.shell = "/nowhere/sh";
  auto d = s.finish("true");
  CAF_CHECK(d->done->code == errc::dependency_missing);
}

CAF_TEST(a folder that went is not found) {
  shell_jobs s;
  auto what = s.request("true");
  what.cwd += "/gone";
  CAF_CHECK(s.finish(what)->done->code == errc::not_found);
}

CAF_TEST(a signal is told apart from an exit code) {
  shell_jobs s;
  auto c = s.finish("kill -TERM $$");
  CAF_CHECK(c->done->ok());
  CAF_CHECK_EQUAL(c->number("signal"), SIGTERM);
  CAF_CHECK_EQUAL(c->number("exit_code"), 128 + SIGTERM);
}

CAF_TEST(a timeout answers with the output so far and leaves nothing alive) {
  shell_jobs s;
  // stderr first: what is on stdout came behind it.
  auto c = s.finish_late(s.request("echo oops >&2; echo before; sleep 1000"), milliseconds{300});
  CAF_CHECK(c->done->code == errc::timeout);
  CAF_CHECK_EQUAL(c->text("stdout"), "before\n");
  CAF_CHECK_EQUAL(c->text("stderr"), "oops\n");
  CAF_CHECK_EQUAL(c->number("survivors"), 0);
  CAF_CHECK(!c->fields().contains("exit_code"));
  CAF_CHECK(c->number("duration_ms") >= 300);
  CAF_CHECK_EQUAL(living_descendants(), 0u);
}

CAF_TEST(a cancel and a shutdown are told apart) {
  shell_jobs s;
  auto c = s.start("echo ready; sleep 1000");
  auto d = s.start("echo ready; sleep 1000");
  CAF_REQUIRE(s.until([&] { return c->out == "ready\n" && d->out == "ready\n"; }));
  c->handle->cancel(errc::cancelled);
  c->handle->cancel(errc::shutting_down); // the first counts
  d->handle->cancel(errc::shutting_down);
  CAF_REQUIRE(s.until([&] { return c->done && d->done; }));
  CAF_CHECK(c->done->code == errc::cancelled);
  CAF_CHECK(d->done->code == errc::shutting_down);
  CAF_CHECK_EQUAL(c->text("stdout"), "ready\n");
  CAF_CHECK_EQUAL(living_descendants(), 0u);
  c->handle->cancel(errc::cancelled); // after the end: nothing
  c->handle->signal(SIGKILL);
  CAF_CHECK(!c->late);
}

CAF_TEST(a cancel that comes before the start is heard) {
  shell_jobs s;
  auto c = s.start("sleep 1000");
  c->handle->cancel(errc::cancelled);
  CAF_REQUIRE(s.until([&] { return c->done.has_value(); }));
  CAF_CHECK(c->done->code == errc::cancelled);
  CAF_CHECK_EQUAL(living_descendants(), 0u);
}

CAF_TEST(fifty orphans in sessions of their own do not survive a timeout) {
  shell_jobs s;
  auto what = s.request("i=0; while [ $i -lt 50 ]; do "
                        "setsid sh -c 'setsid sleep 1000 & exit 0'; i=$((i+1)); done; "
                        "echo all; sleep 1000");
  what.timeout = milliseconds{3000};
  const auto begin = steady_clock::now();
  auto c = s.start(what);
  CAF_REQUIRE(s.until([&] { return c->done.has_value(); }));
  const auto after
    = std::chrono::duration_cast<milliseconds>(c->done_at - begin - milliseconds{3000}).count();
  CAF_MESSAGE("answered " << after << " ms after the deadline");
  CAF_CHECK(c->done->code == errc::timeout);
  // On a slow machine it is still forking: as good a bomb.
  CAF_MESSAGE("it had said '" << c->text("stdout") << "'");
  CAF_CHECK_EQUAL(c->number("survivors"), 0);
  CAF_CHECK_EQUAL(living_descendants(), 0u);
}

CAF_TEST(a background child that holds the output neither delays the answer nor dies) {
  shell_jobs s;
  // Open for both ways: a loop that opens it anew may meet the writer's close and see an end.
  auto what = s.request("(exec 3<>go; while read line <&3; do echo late; done) & "
                        "echo $!; echo now");
  ::mkfifo((s.dir.path / "go").c_str(), 0600);
  auto c = s.finish(what);
  CAF_CHECK(c->done->ok()); // the child holds the output for ever
  CAF_CHECK_EQUAL(c->number("exit_code"), 0);
  const auto child = std::stoi(c->text("stdout"));
  CAF_CHECK_EQUAL(c->text("stdout"), std::to_string(child) + "\nnow\n");
  CAF_REQUIRE(c->fields().contains("held_open_by"));
  CAF_CHECK_EQUAL(c->fields().at("held_open_by").dump(), "[" + std::to_string(child) + "]");
  CAF_CHECK(alive(child));
  // It writes on, is read, and does not die of SIGPIPE.
  {
    std::ofstream go(s.dir.path / "go");
    go << "once\n";
  }
  const auto shown = c->text("stdout").size();
  CAF_CHECK(s.until([&] {
    auto more = c->handle->stored(shell_stream::out, shown, 100);
    return more && *more == "late\n";
  }));
  CAF_CHECK(alive(child));
  CAF_CHECK(!c->late);
  ::kill(child, SIGKILL);
  CAF_CHECK(s.until([&] { return living_descendants() == 0; }));
}

CAF_TEST(a background child without the output delays nothing) {
  shell_jobs s;
  // It has the output until it has opened its own.
  auto c = s.finish("sleep 1000 > /dev/null 2>&1 & c=$!; "
                    "while [ \"$(readlink /proc/$c/fd/2)\" != /dev/null ]; do sleep 0.01; done; "
                    "echo $c");
  CAF_CHECK(!c->fields().contains("held_open_by"));
  const auto child = std::stoi(c->text("stdout"));
  CAF_CHECK(alive(child));
  ::kill(child, SIGKILL);
  CAF_CHECK(s.until([&] { return !alive(child); }));
}

CAF_TEST(a thousand commands have the right exit codes and leave nothing) {
  shell_jobs s;
  s.finish("true");
  const auto before = open_descriptors();
  const int all = 1000;
  int right = 0;
  int running = 0;
  int next = 0;
  const auto begin = steady_clock::now();
  std::vector<std::shared_ptr<heard_job>> jobs;
  while (next < all || running > 0) {
    while (next < all && running < 16) {
      jobs.push_back(s.start(next % 2 == 0 ? "true" : "exit " + std::to_string(next % 100)));
      ++next;
      ++running;
    }
    s.until([&] {
      return std::any_of(jobs.begin(), jobs.end(), [](auto& j) { return j->done.has_value(); });
    });
    for (auto it = jobs.begin(); it != jobs.end();) {
      if (!(*it)->done) {
        ++it;
        continue;
      }
      --running;
      right += (*it)->done->ok() ? 1 : 0;
      it = jobs.erase(it);
    }
    if (steady_clock::now() - begin > milliseconds{300'000})
      break;
  }
  CAF_CHECK_EQUAL(right, all);
  CAF_MESSAGE(
    "took " << std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin).count()
            << " ms");
  CAF_CHECK(s.until([&] { return open_descriptors() <= before; })); // the first may have had some
  CAF_CHECK_EQUAL(s.by.children()->size(), 0u);
  CAF_CHECK(s.until([&] { return descendants(read_process_table(), ::getpid()).empty(); }));
}
