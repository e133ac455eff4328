// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE shell_terminal

#include "tests/shell/shell_fixture.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;
using namespace holt::test;

namespace {

shell::shell_request on_terminal(const shell_jobs& s, const std::string& cmd) {
  auto what = s.request(cmd);
  what.pty = true;
  return what;
}

} // namespace

CAF_TEST(a terminal is one and has its size) {
  shell_jobs s;
  auto what = on_terminal(s, "tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo all; "
                             "echo err >&2; exit 4");
  what.columns = 132;
  what.rows = 50;
  auto c = s.finish(what);
  CAF_CHECK_EQUAL(c->number("exit_code"), 4);
  const auto out = c->text("stdout");
  CAF_CHECK_EQUAL(out.substr(0, 9), "/dev/pts/");
  CAF_CHECK_EQUAL(out.substr(out.find('\n') + 1), "50 132\r\nall\r\nerr\r\n");
  CAF_CHECK_EQUAL(c->text("stderr"), "");
  CAF_CHECK_EQUAL(c->err, "");
}

CAF_TEST(a terminal is resized and tells its program) {
  shell_jobs s;
  auto what = on_terminal(s, "trap 'stty size; exit 0' WINCH; echo ready; "
                             "while :; do sleep 0.05; done");
  auto c = s.start(what);
  CAF_REQUIRE(s.until([&] { return c->out == "ready\r\n"; }));
  c->handle->resize(100, 30);
  CAF_REQUIRE(s.until([&] { return c->done.has_value(); }));
  CAF_CHECK_EQUAL(c->text("stdout"), "ready\r\n30 100\r\n");
}

CAF_TEST(an interrupt reaches the foreground job and not the shell) {
  shell_jobs s;
  // Job control: the child is in a process group of its own, which has the terminal.
  auto what = on_terminal(s, "set -m; sh -c 'trap \"echo caught; exit 9\" INT; echo ready; "
                             "while :; do sleep 0.05; done'; echo shell saw $?");
  auto c = s.start(what);
  CAF_REQUIRE(s.until([&] { return c->out.find("ready") != std::string::npos; }));
  c->handle->signal(SIGINT);
  CAF_REQUIRE(s.until([&] { return c->done.has_value(); }));
  CAF_CHECK_EQUAL(c->number("exit_code"), 0);
  CAF_CHECK(c->text("stdout").find("caught\r\nshell saw 9\r\n") != std::string::npos);
}

CAF_TEST(a typed interrupt character does the same) {
  shell_jobs s;
  auto what = on_terminal(s, "trap 'echo caught; exit 9' INT; echo ready; "
                             "while :; do sleep 0.05; done");
  what.keep_stdin = true;
  auto c = s.start(what);
  CAF_REQUIRE(s.until([&] { return c->out.find("ready") != std::string::npos; }));
  CAF_CHECK(c->handle->write_stdin("\x03"));
  CAF_REQUIRE(s.until([&] { return c->done.has_value(); }));
  CAF_CHECK_EQUAL(c->number("exit_code"), 9);
}

CAF_TEST(a signal without a terminal reaches the whole group) {
  shell_jobs s;
  auto c = s.start("trap 'wait; echo outer; exit 6' TERM; sh -c 'trap \"echo inner; exit 0\" TERM; "
                   "echo ready; while :; do sleep 0.05; done' & wait; wait");
  CAF_REQUIRE(s.until([&] { return c->out == "ready\n"; }));
  c->handle->signal(SIGTERM);
  CAF_REQUIRE(s.until([&] { return c->done.has_value(); }));
  CAF_CHECK_EQUAL(c->number("exit_code"), 6);
  CAF_CHECK_EQUAL(c->text("stdout"), "ready\ninner\nouter\n");
}

CAF_TEST(input on a terminal is echoed and ends with its end of file) {
  shell_jobs s;
  auto what = on_terminal(s, "cat; echo end");
  what.standard_input = "typed\n";
  CAF_CHECK_EQUAL(s.finish(what)->text("stdout"), "typed\r\ntyped\r\nend\r\n");
  // Nothing was given: a program that reads is not left waiting.
  what.standard_input.reset();
  CAF_CHECK_EQUAL(s.finish(what)->text("stdout"), "end\r\n");
}

CAF_TEST(a terminal goes with its shell and a background child without it lives on) {
  shell_jobs s;
  auto c = s.finish(on_terminal(s, "sh -c 'trap \"\" HUP; echo $$ > pid; exec sleep 1000' & "
                                   "while ! test -s pid; do sleep 0.01; done; cat pid"));
  CAF_REQUIRE(c->done->ok());
  // The kernel hangs a terminal up when its session's leader ends: nobody can hold it.
  CAF_CHECK(!c->fields().contains("held_open_by"));
  const auto child = std::stoi(c->text("stdout"));
  CAF_CHECK(alive(child));
  ::kill(child, SIGKILL);
  CAF_CHECK(s.until([&] { return living_descendants() == 0; }));
}

CAF_TEST(a program on a terminal is killed at its time limit) {
  shell_jobs s;
  auto c = s.finish_late(on_terminal(s, "echo before; setsid sleep 1000 & sleep 1000"),
                         milliseconds{200});
  CAF_CHECK(c->done->code == errc::timeout);
  CAF_CHECK_EQUAL(c->text("stdout"), "before\r\n");
  CAF_CHECK_EQUAL(living_descendants(), 0u);
}
