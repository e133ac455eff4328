// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE shell_io

#include "tests/shell/shell_fixture.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <grp.h>
#include <iostream>
#include <pwd.h>

using namespace holt;
using namespace holt::test;
using shell::shell_stream;

namespace {

std::size_t resident_kib() {
  std::ifstream in{"/proc/self/statm"};
  std::size_t size = 0;
  std::size_t resident = 0;
  in >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

} // namespace

CAF_TEST(stdin is empty unless it is given) {
  shell_jobs s;
  CAF_CHECK_EQUAL(s.finish("cat; readlink /proc/self/fd/0")->text("stdout"), "/dev/null\n");
  auto what = s.request("cat; echo end");
  what.standard_input = "given ";
  CAF_CHECK_EQUAL(s.finish(what)->text("stdout"), "given end\n");
  what.standard_input = "";
  CAF_CHECK_EQUAL(s.finish(what)->text("stdout"), "end\n");
}

CAF_TEST(a mebibyte of stdin comes back whole) {
  shell_jobs s;
  std::string text;
  for (int i = 0; text.size() < 1024 * 1024; ++i)
    text += "line " + std::to_string(i) + "\n";
  text.resize(1024 * 1024);
  auto what = s.request("cat");
  what.standard_input = text;
  auto c = s.finish(what);
  CAF_CHECK(c->text("stdout") == text);
  CAF_CHECK(c->out == text);
  CAF_CHECK(!c->gap);
  CAF_CHECK(!c->fields().contains("truncated"));
}

CAF_TEST(a command that does not read its stdin ends all the same) {
  shell_jobs s;
  auto what = s.request("exec 0<&-; echo done");
  what.standard_input = std::string(4 << 20, 'x');
  auto c = s.finish(what);
  CAF_CHECK_EQUAL(c->text("stdout"), "done\n");
  CAF_CHECK_EQUAL(c->number("exit_code"), 0);
}

CAF_TEST(stdin that stays open takes lines until it is closed) {
  shell_jobs s;
  auto what = s.request("while read line; do echo got $line; done; echo closed");
  what.keep_stdin = true;
  what.timeout.reset();
  auto c = s.start(what);
  CAF_CHECK(c->handle->write_stdin("one\n")); // before it runs: kept
  CAF_REQUIRE(s.until([&] { return c->out == "got one\n"; }));
  CAF_CHECK(c->handle->write_stdin("two\n"));
  CAF_REQUIRE(s.until([&] { return c->out == "got one\ngot two\n"; }));
  c->handle->close_stdin();
  CAF_CHECK(!c->handle->write_stdin("three\n"));
  CAF_REQUIRE(s.until([&] { return c->done.has_value(); }));
  CAF_CHECK_EQUAL(c->text("stdout"), "got one\ngot two\nclosed\n");
}

CAF_TEST(stdin that nobody reads is bounded) {
  shell_jobs s;
  auto what = s.request("echo ready; sleep 1000");
  what.keep_stdin = true;
  auto c = s.start(what);
  CAF_REQUIRE(s.until([&] { return c->out == "ready\n"; }));
  std::size_t taken = 0;
  while (taken < (8u << 20) && c->handle->write_stdin(std::string(64 * 1024, 'x'))) {
    taken += 64 * 1024;
    s.io.restart();
    s.io.poll();
  }
  CAF_CHECK(taken >= (1u << 20));
  CAF_CHECK(taken < (2u << 20));
  c->handle->cancel(errc::cancelled);
  CAF_REQUIRE(s.until([&] { return c->done.has_value(); }));
  CAF_CHECK(!c->handle->write_stdin("x"));
}

CAF_TEST(invalid UTF - 8 comes as base64) {
  shell_jobs s;
  auto c = s.finish("printf 'a\\377b'; printf good >&2");
  CAF_CHECK_EQUAL(c->text("stdout"), to_base64("a\xff"
                                               "b"));
  CAF_CHECK_EQUAL(c->text("stdout_encoding"), "base64");
  CAF_CHECK_EQUAL(c->text("stderr"), "good");
  CAF_CHECK(!c->fields().contains("stderr_encoding"));
  CAF_CHECK_EQUAL(c->out, "a\xff"
                          "b");
}

CAF_TEST(a flood is counted to the byte and costs bounded memory) {
  shell_jobs s;
  s.defaults.max_spill = 4 << 20;
  s.finish("true");
  const auto before = resident_kib();
  const std::uint64_t bytes = 128ull << 20; // 8 times what it may cost
  auto c = std::make_shared<heard_job>();
  std::uint64_t live = 0;
  shell::shell_handlers h;
  h.on_output = [&](shell_stream, std::uint64_t off, std::string piece) {
    c->gap = c->gap || off != live;
    live += piece.size();
  };
  h.on_done = [&](command_outcome what) { c->done = std::move(what); };
  auto handle = shell::shell_job::start({s.by, s.killer}, s.io.get_executor(),
                                        s.request("yes | head -c 134217728"), s.defaults, h);
  CAF_REQUIRE(s.until([&] { return c->done.has_value(); }, milliseconds{90'000}));
  CAF_CHECK(c->done->ok());
  CAF_CHECK_EQUAL(live, bytes);
  CAF_CHECK(!c->gap);
  CAF_CHECK_EQUAL(c->fields().at("stdout_bytes").get<std::uint64_t>(), bytes);
  CAF_CHECK_EQUAL(c->fields().at("stderr_bytes").get<std::uint64_t>(), 0u);
  CAF_CHECK_EQUAL(c->fields().at("stdout_cut").get<std::size_t>(), 768u * 1024u);
  CAF_CHECK(c->fields().at("truncated").get<bool>());
  CAF_CHECK_EQUAL(c->text("stdout").size(), 1024u * 1024u);
  const auto grown = resident_kib() - before;
  CAF_MESSAGE("grew by " << grown << " KiB in " << c->number("duration_ms") << " ms");
#ifndef HOLT_SANITIZED
  CAF_CHECK(grown < 16 * 1024);
#endif
  CAF_CHECK_EQUAL(handle->stored(shell_stream::out, 2 << 20, 4)->size(), 4u);
  CAF_CHECK(handle->stored(shell_stream::out, 5 << 20, 4).error().code == errc::not_found);
  CAF_CHECK_EQUAL(*handle->stored(shell_stream::out, bytes - 4, 100), "y\ny\n");
}

CAF_TEST(a flood does not hold up its own time limit) {
  shell_jobs s;
  auto what = s.request("yes");
  what.timeout = milliseconds{300};
  auto c = s.finish(what); // within its limit
  CAF_CHECK(c->done->code == errc::timeout);
  // A busy machine may print less than the limit in that time.
  CAF_CHECK_EQUAL(c->fields().value("stdout_bytes", c->text("stdout").size()), c->out.size());
}

CAF_TEST(output beyond the limit is on disk without a name) {
  shell_jobs s;
  auto what = s.request("seq 1 20000");
  what.max_output = 1000;
  auto c = s.finish(what);
  CAF_CHECK_EQUAL(c->text("stdout").size(), 1000u);
  CAF_CHECK_EQUAL(c->fields().at("stdout_bytes").get<std::size_t>(), c->out.size());
  CAF_CHECK(*c->handle->stored(shell_stream::out, 0, 1 << 20) == c->out);
  CAF_CHECK_EQUAL(*c->handle->stored(shell_stream::out, 5000, 100), c->out.substr(5000, 100));
  CAF_CHECK(c->handle->stored(shell_stream::err, 1, 1).error().code == errc::not_found);
  CAF_CHECK(std::filesystem::is_empty(s.dir.path));
}

CAF_TEST(folder and environment are those of the request) {
  shell_jobs s;
  auto what = s.request("pwd; echo $A-$LANG; env | grep -c HOLT_CHILD");
  what.env = {{"A", "two words"}, {"LANG", "de"}};
  auto c = s.finish(what);
  CAF_CHECK_EQUAL(c->text("stdout"),
                  std::filesystem::canonical(s.dir.path).string() + "\ntwo words-de\n1\n");
}

CAF_TEST(a command line above 128 KiB runs as any other) {
  shell_jobs s;
  const std::string word(150 * 1024, 'x');
  for (const auto* script_dir : {"", s.dir.path.c_str()}) {
    s.defaults.script_dir = script_dir;
    auto what = s.request("x='" + word
                          + "'\necho ${#x} $0; ls /proc/self/fd | tr '\\n' ' '; cat; "
                            "exit 3");
    what.standard_input = "input";
    auto c = s.finish(what);
    CAF_CHECK_EQUAL(c->number("exit_code"), 3);
    CAF_CHECK_EQUAL(c->text("stdout"), std::to_string(word.size()) + " /bin/sh\n0 1 2 3 input");
    CAF_CHECK_EQUAL(c->text("stderr"), "");
    CAF_CHECK(std::filesystem::is_empty(s.dir.path));
  }
  // On both sides of what the kernel takes as one argument.
  for (const std::size_t size : {131'070, 131'071, 131'072}) {
    const std::string end = "echo ok";
    CAF_CHECK_EQUAL(s.finish(std::string(size - end.size(), ' ') + end)->text("stdout"), "ok\n");
  }
}

CAF_TEST(a command has only its three descriptors) {
  shell_jobs s;
  const int stray = ::open("/dev/null", O_RDONLY);
  auto other = s.start("sleep 1000");
  auto what = s.request("ls /proc/self/fd | tr '\\n' ' '");
  what.standard_input = "x";
  CAF_CHECK_EQUAL(s.finish(what)->text("stdout"), "0 1 2 3 ");
  what.pty = true;
  what.standard_input.reset();
  CAF_CHECK_EQUAL(s.finish(what)->text("stdout"), "0 1 2 3 ");
  ::close(stray);
  other->handle->cancel(errc::cancelled);
  CAF_CHECK(s.until([&] { return other->done.has_value(); }));
}

CAF_TEST(no end of a job leaves a descriptor) {
  shell_jobs s;
  s.finish("true");
  const auto before = open_descriptors();
  for (int i = 0; i < 5; ++i) {
    for (const bool pty : {false, true}) {
      auto what = s.request("echo x; cat; exit 1");
      what.pty = pty;
      what.standard_input = "hello\n";
      s.finish(what);
      what.cmd = "sleep 1000";
      what.timeout = milliseconds{30};
      s.finish(what);
      what.keep_stdin = true;
      s.finish(what);
      what.cwd = "/nowhere";
      s.finish(what);
      auto large = s.request("yes | head -c 3000000");
      large.pty = pty;
      s.finish(large);
    }
  }
  s.defaults.shell = "/nowhere/sh";
  s.finish("true");
  CAF_CHECK(s.until([&] { return open_descriptors() <= before; })); // the first may have had some
  CAF_CHECK_EQUAL(s.by.children()->size(), 0u);
}

CAF_TEST(commands run as the configured user) {
  if (::geteuid() != 0) {
    std::cout << "SKIPPED commands run as the configured user: needs root" << std::endl;
    return;
  }
  shell_jobs s;
  s.defaults.user = "nobody";
  std::filesystem::permissions(s.dir.path, std::filesystem::perms::all);
  const auto* nobody = ::getpwnam("nobody");
  CAF_REQUIRE(nobody != nullptr);
  const auto uid = std::to_string(nobody->pw_uid);
  auto c = s.finish("id -u; id -ru; echo $USER $HOME; grep -E '^(Cap(Eff|Prm)|Groups)' "
                    "/proc/self/status | tr -d '\\t '; cat /etc/shadow > /dev/null 2>&1; echo $?");
  CAF_CHECK_EQUAL(c->text("stdout"), uid + "\n" + uid + "\nnobody " + nobody->pw_dir
                                       + "\nGroups:" + std::to_string(nobody->pw_gid)
                                       + "\nCapPrm:0000000000000000\nCapEff:0000000000000000\n1\n");
  // Its script and its terminal are its own.
  auto large = s.request(std::string(140 * 1024, ' ') + "id -u");
  CAF_CHECK_EQUAL(s.finish(large)->text("stdout"), uid + "\n");
  s.defaults.script_dir = s.dir.path.string();
  CAF_CHECK_EQUAL(s.finish(large)->text("stdout"), uid + "\n");
  auto terminal = s.request("echo again > $(tty) && stat -c %u $(tty)");
  terminal.pty = true;
  CAF_CHECK_EQUAL(s.finish(terminal)->text("stdout"), "again\r\n" + uid + "\r\n");
  // It dies with the daemon's thread and at its time limit as any other.
  auto endless = s.request("setsid sleep 1000 & sleep 1000");
  endless.timeout = milliseconds{200};
  CAF_CHECK_EQUAL(s.finish(endless)->number("survivors"), 0);
  CAF_CHECK_EQUAL(living_descendants(), 0u);
  CAF_CHECK_EQUAL(::geteuid(), 0u);
  s.defaults.user = "no-such-user-of-holt";
  CAF_CHECK(s.finish("true")->done->code == errc::spawn_failed);
}

CAF_TEST(a folder that the user may not enter is refused) {
  if (::geteuid() != 0) {
    std::cout << "SKIPPED a folder that the user may not enter is refused: needs root" << std::endl;
    return;
  }
  shell_jobs s; // its folder is 0700 and root's
  s.defaults.user = "nobody";
  auto c = s.finish("true");
  CAF_CHECK(c->done->code == errc::denied);
}
