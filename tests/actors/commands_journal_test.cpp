// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE commands_journal

#include "tests/actors/commands_fixture.hpp"
#include "transport/digest.hpp"

#include <fstream>

using namespace holt;
using nlohmann::json;
using test::said;

namespace {

struct fixture : test::commands_fixture {
  json named(const std::string& type, const std::string& id, json more = json::object()) {
    more["type"] = type;
    more["id"] = id;
    more["src"] = "agent";
    return more;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(commands_journal_tests, fixture)

CAF_TEST(a command line that ran at a crash is interrupted and never run again) {
  begin();
  say(named("shell.exec", "x1", {{"cmd", "rm -rf build"}}));
  CAF_REQUIRE_EQUAL(jobs.size(), 1u);
  crash();
  begin();
  CAF_CHECK(ready);
  CAF_CHECK(jobs.empty());
  auto got = ask(named("shell.exec", "x1", {{"cmd", "rm -rf build"}, {"attempt", 2}}));
  CAF_CHECK_EQUAL(got["error"], "interrupted");
  CAF_CHECK_EQUAL(got["dup"], true);
  CAF_CHECK(jobs.empty());
}

CAF_TEST(a write that was cut short anywhere is made once and answered) {
  for (int answers = 0; answers < 3; ++answers) {
    begin();
    auto id = "w" + std::to_string(answers);
    auto write = named("fs.write", id, {{"path", id}, {"content", "1"}, {"create", "new"}});
    desk->answers = answers;
    say(write);
    CAF_CHECK(heard().empty());
    crash();
    begin();
    CAF_CHECK(ready);
    CAF_CHECK_EQUAL(test::slurp(files.path / id), "1");
    auto got = ask(write);
    CAF_CHECK_EQUAL(said(got, "ok"), true);
    CAF_CHECK_EQUAL(said(got, "dup"), true);
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    drain();
  }
}

CAF_TEST(what came too late is refused and leaves nothing that the next start would run) {
  begin();
  auto write = named("fs.write", "w1", {{"path", "a"}, {"content", "1"}, {"deadline_ms", 5}});
  CAF_CHECK_EQUAL(said(ask(write), "error"), "expired");
  CAF_CHECK(store->unfinished()->empty());
  crash();
  begin();
  CAF_CHECK(!std::filesystem::exists(files.path / "a"));
}

CAF_TEST(what waited at a crash and is too late now is settled as expired) {
  auto write = named("fs.write", "w1", {{"path", "a"}, {"content", "1"}, {"deadline_ms", 5}});
  auto print = sha256_hex(canonical_command(write));
  CAF_REQUIRE(store->received({"main", "agent", "w1"}, print, write.dump(), "", 1));
  begin();
  CAF_CHECK(store->unfinished()->empty());
  CAF_CHECK(!std::filesystem::exists(files.path / "a"));
  auto got = ask(write);
  CAF_CHECK_EQUAL(got["error"], "expired");
  CAF_CHECK_EQUAL(got["dup"], true);
}

CAF_TEST(a result survives the daemon and comes again with dup) {
  begin();
  auto write = named("fs.write", "w1", {{"path", "a"}, {"content", "1"}, {"create", "new"}});
  CAF_CHECK_EQUAL(said(ask(write), "ok"), true);
  crash();
  begin();
  auto again = ask(write);
  CAF_CHECK_EQUAL(again["ok"], true);
  CAF_CHECK_EQUAL(again["dup"], true);
  CAF_CHECK_EQUAL(test::slurp(files.path / "a"), "1");
}

CAF_TEST(a simple agent that starts again is not served the result of yesterday) {
  begin();
  json write{{"type", "fs.write"}, {"id", "req_1"}, {"path", "a"}, {"content", "1"}};
  CAF_CHECK_EQUAL(said(ask(write), "ok"), true);
  write["content"] = "2";
  CAF_CHECK_EQUAL(said(ask(write), "ok"), true);
  CAF_CHECK_EQUAL(test::slurp(files.path / "a"), "2");
}

CAF_TEST(what was released runs anew) {
  begin();
  auto write = named("fs.write", "w1", {{"path", "a"}, {"content", "1"}});
  CAF_CHECK_EQUAL(said(ask(write), "ok"), true);
  say({{"type", "release"}, {"src", "agent"}, {"ids", {"w1"}}});
  CAF_CHECK(heard().empty());
  write["content"] = "2";
  auto got = ask(write);
  CAF_CHECK_EQUAL(got["ok"], true);
  CAF_CHECK(!got.contains("dup"));
}

CAF_TEST(query says what became of commands and resume sends them again) {
  begin();
  CAF_CHECK_EQUAL(said(ask(named("fs.mkdir", "m1", {{"path", "d"}})), "ok"), true);
  say(named("shell.exec", "x1", {{"cmd", "sleep 9"}}));
  say(named("query", "q1", {{"ids", {"m1", "x1", "zz"}}}));
  auto all = heard();
  CAF_REQUIRE_EQUAL(all.size(), 2u);
  CAF_CHECK_EQUAL(all[0]["id"], "m1");
  CAF_CHECK_EQUAL(all[0]["dup"], true);
  CAF_CHECK_EQUAL(all[1]["states"], (json{{"m1", "done"}, {"x1", "running"}, {"zz", "unknown"}}));
  say(named("resume", "r1", {{"after", 0}}));
  after(std::chrono::seconds{1});
  all = heard();
  CAF_REQUIRE_EQUAL(all.size(), 2u);
  CAF_CHECK_EQUAL(all[0]["id"], "m1");
  CAF_CHECK_EQUAL(all[1]["id"], "r1");
  CAF_CHECK_EQUAL(all[1]["count"], 1);
}

CAF_TEST(a result that found no link is sent once more after the join) {
  begin();
  say({{"type", "shell.exec"}, {"id", "req_1"}, {"cmd", "make"}});
  caf::anon_send(actor, link_down{0, {errc::timeout, "gone"}, deps.identity.boot});
  drain();
  command_outcome outcome;
  outcome.fields = {{"stdout", "made"}};
  jobs[0]->end(outcome);
  drain();
  CAF_CHECK(heard().empty());
  caf::anon_send(actor, link_up{0, {256'000, 0}});
  drain();
  auto all = heard();
  CAF_REQUIRE_EQUAL(all.size(), 2u);
  CAF_CHECK_EQUAL(all[0]["type"], "hello");
  CAF_CHECK_EQUAL(all[1]["id"], "req_1");
  CAF_CHECK_EQUAL(all[1]["stdout"], "made");
}

CAF_TEST(without a journal nothing has an effect) {
  begin();
  deps.journal.clear();
  auto got = ask(named("fs.write", "w1", {{"path", "a"}, {"content", "1"}}));
  CAF_CHECK_EQUAL(got["ok"], false);
  CAF_CHECK(!std::filesystem::exists(files.path / "a"));
  CAF_CHECK_EQUAL(said(ask(named("fs.list", "l1", {{"path", "."}})), "ok"), true);
}

CAF_TEST(a batch answers for each item and stops where it is told to) {
  begin();
  json items = {{{"type", "fs.write"}, {"path", "a"}, {"content", "1"}},
                {{"type", "fs.read"}, {"id", "mine"}, {"path", "a"}},
                {{"type", "fs.read"}, {"path", "none"}},
                {{"type", "fs.read"}, {"path", "a"}}};
  auto got = ask(named("batch", "b1", {{"items", items}}));
  CAF_CHECK_EQUAL(got["ok"], true);
  CAF_REQUIRE_EQUAL(got["results"].size(), 4u);
  CAF_CHECK_EQUAL(got["results"][1]["content"], "1");
  CAF_CHECK_EQUAL(got["results"][1]["id"], "mine");
  CAF_CHECK_EQUAL(got["results"][2]["error"], "not_found");
  CAF_CHECK_EQUAL(got["results"][3]["ok"], true);
  got = ask(named("batch", "b2", {{"items", items}, {"stop_on_error", true}}));
  CAF_CHECK_EQUAL(got["results"].size(), 3u);
}

CAF_TEST(a large file comes in pieces to who asked for them and else is too large) {
  begin();
  std::string big;
  for (int i = 0; i < 40'000; ++i)
    big += "line " + std::to_string(i) + " ä\n";
  test::spit(files.path / "big", big);
  auto plain = ask(named("fs.read", "r1", {{"path", "big"}}));
  CAF_CHECK_EQUAL(plain["error"], "too_large");
  CAF_CHECK(plain["detail"].get<std::string>().find(std::to_string(big.size()))
            != std::string::npos);
  say(named("fs.read", "r2", {{"path", "big"}, {"stream", true}}));
  after(std::chrono::seconds{1});
  auto all = heard();
  auto last = all.back();
  all.pop_back();
  std::string text;
  for (const auto& one : all) {
    CAF_CHECK_EQUAL(one["off"], text.size());
    text += one["data"].get<std::string>();
  }
  CAF_CHECK(text == big);
  CAF_CHECK_EQUAL(last["parts"], all.size());
  CAF_CHECK_EQUAL(last["bytes"], big.size());
  CAF_CHECK_EQUAL(last["sha256"], sha256_hex(big));
  auto part
    = ask(named("fetch", "f1", {{"target", "r2"}, {"stream", "content"}, {"off", 5}, {"len", 4}}));
  CAF_CHECK_EQUAL(part["data"], big.substr(5, 4));
}

CAF_TEST(a shell that lives on takes input and answers at its end) {
  begin();
  say(named("shell.start", "s1", {{"cmd", "cat"}}));
  CAF_REQUIRE_EQUAL(jobs.size(), 1u);
  CAF_CHECK(heard().empty());
  CAF_CHECK_EQUAL(said(ask(named("shell.input", "i1", {{"target", "s1"}, {"data", "hi\n"}})), "ok"),
                  true);
  CAF_CHECK_EQUAL(jobs[0]->input, "hi\n");
  CAF_CHECK_EQUAL(
    said(ask(named("shell.signal", "g1", {{"target", "s1"}, {"signal", "INT"}})), "ok"), true);
  CAF_CHECK_EQUAL(jobs[0]->last_signal, 2);
  CAF_CHECK_EQUAL(said(ask(named("shell.input", "i2", {{"target", "zz"}, {"data", "x"}})), "error"),
                  "not_found");
  command_outcome outcome;
  outcome.fields = {{"exit_code", 0}};
  jobs[0]->end(outcome);
  drain();
  CAF_CHECK_EQUAL(said(answer(), "id"), "s1");
}

CAF_TEST(a command line that only waited at a crash is run once) {
  auto exec = named("shell.exec", "x1", {{"cmd", "make"}});
  auto late = named("shell.exec", "x2", {{"cmd", "make"}, {"deadline_ms", 5}});
  for (const auto& one : {exec, late}) {
    auto print = sha256_hex(canonical_command(one));
    CAF_REQUIRE(
      store->received({"main", "agent", one["id"].get<std::string>()}, print, one.dump(), "", 1));
  }
  begin();
  CAF_REQUIRE(ready);
  CAF_REQUIRE_EQUAL(jobs.size(), 1u);
  command_outcome outcome;
  outcome.fields = {{"stdout", "made"}};
  jobs[0]->end(outcome);
  drain();
  auto got = answer();
  CAF_CHECK_EQUAL(said(got, "id"), "x1");
  CAF_CHECK_EQUAL(said(got, "stdout"), "made");
  CAF_CHECK_EQUAL(said(ask(late), "error"), "expired");
  got = ask(exec);
  CAF_CHECK_EQUAL(said(got, "dup"), true);
  CAF_CHECK_EQUAL(jobs.size(), 1u);
  CAF_CHECK(store->unfinished()->empty());
}

CAF_TEST(what only waited for a session that is gone is interrupted) {
  auto exec = named("shell.exec", "x1", {{"cmd", "make"}});
  CAF_REQUIRE(store->received({"other", "agent", "x1"}, "f", exec.dump(), "", 1));
  begin();
  CAF_CHECK(ready);
  CAF_CHECK(jobs.empty());
  CAF_CHECK(store->unfinished()->empty());
}

CAF_TEST(a batch that was cut short says how many of its items were done) {
  auto batch = named("batch", "b1",
                     {{"items",
                       {{{"type", "fs.write"}, {"path", "a"}, {"content", "1"}},
                        {{"type", "shell.exec"}, {"cmd", "make"}},
                        {{"type", "shell.exec"}, {"cmd", "make again"}}}}});
  begin();
  say(batch);
  CAF_REQUIRE_EQUAL(jobs.size(), 1u);
  command_outcome failed;
  failed.code = errc::timeout;
  jobs[0]->end(failed);
  drain();
  CAF_REQUIRE_EQUAL(jobs.size(), 2u);
  crash();
  begin();
  CAF_CHECK(jobs.empty());
  auto got = ask(batch);
  CAF_CHECK_EQUAL(said(got, "error"), "interrupted");
  CAF_CHECK_EQUAL(said(got, "items_done"), 2);
  CAF_CHECK_EQUAL(said(got, "items_failed"), json::array({1}));
}

CAF_TEST(what was heard and not dealt with goes back when the actor ends) {
  std::ofstream{files.path / "a"} << "1";
  source = std::make_shared<link::link_backlog>();
  begin();
  say(named("shell.exec", "x1", {{"cmd", "make"}})); // in the journal
  CAF_REQUIRE_EQUAL(jobs.size(), 1u);
  std::vector<std::string> texts;
  for (const auto* id : {"r1", "r2", "r3"})
    texts.push_back(named("fs.read", id, {{"path", "a"}}).dump());
  for (const auto& one : texts)
    tell(one);
  crash();
  auto back = source->take();
  CAF_REQUIRE_EQUAL(back.size(), 3u);
  begin();
  port->out.clear();
  for (std::size_t i = 0; i < back.size(); ++i) {
    CAF_CHECK_EQUAL(back[i].payload, texts[i]);
    caf::anon_send(
      actor, link_heard{0, std::make_shared<link::held_message>(std::move(back[i])), nullptr});
  }
  back.clear();
  drain();
  CAF_CHECK_EQUAL(heard().size(), 3u);
  crash();
  CAF_CHECK(source->take().empty());
}

CAF_TEST(a read that found no link comes again if this life ends before the next join) {
  std::ofstream{files.path / "a"} << "1";
  source = std::make_shared<link::link_backlog>();
  for (const bool joins : {false, true}) {
    begin();
    port->takes = false;
    caf::anon_send(actor, link_down{0, {errc::timeout, "gone"}, deps.identity.boot});
    drain();
    say(named("fs.read", joins ? "r2" : "r1", {{"path", "a"}}));
    CAF_CHECK(heard().empty());
    if (joins) {
      port->takes = true;
      caf::anon_send(actor, link_up{0, {256'000, 0}});
      drain();
    }
    crash();
    CAF_CHECK_EQUAL(source->take().size(), joins ? 0u : 1u);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
