// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE commands

#include "tests/actors/commands_fixture.hpp"

using namespace holt;
using nlohmann::json;
using test::said;

namespace {

struct fixture : test::commands_fixture {};

json exec(const std::string& id, const std::string& cmd = "true") {
  return {{"type", "shell.exec"}, {"id", id}, {"cmd", cmd}};
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(commands_tests, fixture)

CAF_TEST(a write and a read go there and back) {
  begin();
  auto wrote
    = ask({{"type", "fs.write"}, {"id", "req_2"}, {"path", "/workspace/a.txt"}, {"content", "hi"}});
  CAF_CHECK_EQUAL(wrote["ok"], true);
  CAF_CHECK_EQUAL(wrote["id"], "req_2");
  CAF_CHECK(wrote["rseq"].is_number());
  CAF_CHECK_EQUAL(test::slurp(files.path / "a.txt"), "hi");
  auto read = ask({{"type", "fs.read"}, {"id", "req_1"}, {"path", "a.txt"}});
  CAF_CHECK_EQUAL(read["ok"], true);
  CAF_CHECK_EQUAL(read["content"], "hi");
  CAF_CHECK(!read.contains("rseq"));
}

CAF_TEST(a command line answers with what its job says) {
  begin();
  say(exec("req_4"));
  CAF_REQUIRE_EQUAL(jobs.size(), 1u);
  CAF_CHECK_EQUAL(jobs[0]->what.cmd, "true");
  command_outcome outcome;
  outcome.fields = {{"stdout", "Hello\n"}, {"stderr", ""}, {"exit_code", 0}};
  jobs[0]->end(outcome);
  drain();
  auto got = answer();
  CAF_CHECK_EQUAL(got["ok"], true);
  CAF_CHECK_EQUAL(got["stdout"], "Hello\n");
  CAF_CHECK_EQUAL(got["exit_code"], 0);
}

CAF_TEST(hello is said after every join) {
  start();
  CAF_CHECK(ready);
  join();
  CAF_REQUIRE_EQUAL(port->out.size(), 1u);
  CAF_CHECK_EQUAL(port->out[0].event, "ctl");
  CAF_CHECK_EQUAL(port->out[0].payload["type"], "hello");
  CAF_CHECK_EQUAL(port->out[0].payload["sandbox"], "sbx_1");
  CAF_CHECK_EQUAL(port->out[0].payload["limits"]["max_payload"], 256'000);
  port->out.clear();
  caf::anon_send(actor, link_down{0, {errc::timeout, "gone"}, 5000});
  caf::anon_send(actor, link_up{0, {900'000, 0}});
  drain();
  CAF_CHECK_EQUAL(port->out[0].payload["limits"]["max_payload"], 900'000);
}

CAF_TEST(a repeat of what ran is answered from the book and not run again) {
  begin();
  auto first = exec("x1");
  first["src"] = "agent";
  say(first);
  jobs[0]->end({});
  drain();
  CAF_CHECK_EQUAL(said(answer(), "ok"), true);
  first["attempt"] = 2;
  say(first);
  CAF_CHECK_EQUAL(jobs.size(), 1u);
  auto again = answer();
  CAF_CHECK_EQUAL(again["dup"], true);
  CAF_CHECK_EQUAL(again["ok"], true);
  auto other = exec("x1", "false");
  other["src"] = "agent";
  CAF_CHECK_EQUAL(said(ask(other), "error"), "id_conflict");
}

CAF_TEST(a repeat of what still runs hears an ack and nothing else) {
  begin();
  auto what = exec("x1");
  what["ack"] = true;
  say(what);
  CAF_CHECK_EQUAL(said(answer(), "state"), "running");
  what["attempt"] = 2;
  say(what);
  auto ack = answer();
  CAF_CHECK_EQUAL(ack["type"], "ack");
  CAF_CHECK_EQUAL(ack["state"], "running");
  CAF_CHECK_EQUAL(jobs.size(), 1u);
}

CAF_TEST(output comes in chunks ten a second and in order before the result) {
  begin();
  auto what = exec("x1");
  what["stream"] = true;
  say(what);
  auto& job = *jobs[0];
  for (std::uint64_t i = 0; i < 100; ++i) {
    job.handlers.on_output(shell::shell_stream::out, i * 2, "a\n");
    after(std::chrono::milliseconds{10});
  }
  auto chunks = heard();
  CAF_CHECK(chunks.size() >= 9 && chunks.size() <= 11);
  job.handlers.on_output(shell::shell_stream::out, 200, "end");
  job.end({});
  drain();
  for (auto& one : heard())
    chunks.push_back(one);
  CAF_CHECK_EQUAL(chunks.back()["type"], "result");
  chunks.pop_back();
  std::uint64_t off = 0;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    CAF_CHECK_EQUAL(chunks[i]["type"], "chunk");
    CAF_CHECK_EQUAL(chunks[i]["seq"], i);
    CAF_CHECK_EQUAL(chunks[i]["off"], off);
    off += chunks[i]["data"].get<std::string>().size();
  }
  CAF_CHECK_EQUAL(off, 203u);
}

CAF_TEST(who did not ask for it sees no chunk) {
  begin();
  say(exec("x1"));
  jobs[0]->handlers.on_output(shell::shell_stream::out, 0, "live");
  after(std::chrono::milliseconds{500});
  CAF_CHECK(heard().empty());
}

CAF_TEST(a cancel is answered and so is its target) {
  begin();
  say(exec("x1"));
  say({{"type", "cancel"}, {"id", "c1"}, {"target", "x1"}});
  auto all = heard();
  CAF_REQUIRE_EQUAL(all.size(), 2u);
  CAF_CHECK_EQUAL(all[0]["id"], "c1");
  CAF_CHECK_EQUAL(all[0]["state"], "running");
  CAF_CHECK_EQUAL(all[1]["id"], "x1");
  CAF_CHECK_EQUAL(all[1]["error"], "cancelled");
  CAF_CHECK_EQUAL(all[1]["stdout"], "so far");
}

CAF_TEST(more than 32 wait and more than that are refused) {
  begin();
  for (int i = 0; i < 400; ++i)
    say(exec("x" + std::to_string(i)));
  auto refused = heard();
  CAF_CHECK(jobs.size() >= 32 && jobs.size() <= 40);
  CAF_CHECK(!refused.empty());
  for (const auto& one : refused)
    CAF_CHECK_EQUAL(one["error"], "busy");
  auto before = jobs.size();
  jobs[0]->end({});
  drain();
  CAF_CHECK_EQUAL(jobs.size(), before + 1);
}

CAF_TEST(what is no command is dropped and counted) {
  begin();
  for (const auto* text :
       {"[1,2]", "\"text\"", "null", "17", "{", "{}", "not json",
        R"({"type":"result","id":"x","ok":true})", R"({"id":7,"type":"fs.read"})"})
    say(std::string{text});
  CAF_CHECK(heard().empty());
  CAF_CHECK_EQUAL(deps.inbox->bytes.load(), 0u);
}

CAF_TEST(a wrong command is answered where its id can be read) {
  begin();
  CAF_CHECK_EQUAL(said(ask({{"id", "a"}, {"type", "fly"}}), "error"), "unsupported");
  CAF_CHECK_EQUAL(said(ask({{"id", "b"}, {"type", "fs.read"}}), "error"), "invalid");
  CAF_CHECK_EQUAL(said(ask({{"id", "c"}, {"type", "fs.read"}, {"path", "/etc/passwd"}}), "error"),
                  "denied");
  CAF_CHECK_EQUAL(said(ask({{"id", "d"}, {"type", "fs.read"}, {"path", "../../x"}}), "error"),
                  "denied");
  CAF_CHECK_EQUAL(
    said(ask({{"id", "e"}, {"type", "fs.read"}, {"path", "x"}, {"deadline_ms", 5}}), "error"),
    "expired");
  std::string deep = R"({"type":"fs.read","id":"f","x":)" + std::string(1000, '[');
  say(deep + std::string(1000, ']') + "}");
  CAF_CHECK_EQUAL(said(answer(), "error"), "invalid");
}

CAF_TEST(what is for another sandbox is not for us) {
  begin();
  say({{"id", "a"}, {"type", "fs.list"}, {"path", "."}, {"to", "sbx_2"}});
  CAF_CHECK(heard().empty());
  CAF_CHECK_EQUAL(
    said(ask({{"id", "b"}, {"type", "fs.list"}, {"path", "."}, {"to", "sbx_1"}}), "ok"), true);
}

CAF_TEST(the older sandbox owns the session) {
  begin();
  json older{{"role", "sandbox"}, {"id", "sbx_0"}, {"since", 500}, {"boot", 9}};
  json mine{{"role", "sandbox"}, {"id", "sbx_1"}, {"since", 1000}, {"boot", 2000}};
  caf::anon_send(actor, link_present{0, {{"k1", mine}, {"k0", older}}});
  drain();
  say({{"id", "a"}, {"type", "fs.list"}, {"path", "."}});
  say({{"id", "w"}, {"type", "nonsense"}});
  CAF_CHECK(heard().empty());
  CAF_CHECK_EQUAL(
    said(ask({{"id", "b"}, {"type", "fs.list"}, {"path", "."}, {"to", "sbx_1"}}), "ok"), true);
  caf::anon_send(actor, link_present{0, {{"k1", mine}}});
  drain();
  CAF_CHECK_EQUAL(said(ask({{"id", "c"}, {"type", "fs.list"}, {"path", "."}}), "ok"), true);
}

CAF_TEST(a signature is needed where there is a key) {
  deps.links[0].auth.keys["k"] = "a secret of sixteen";
  begin();
  json what{{"id", "a"}, {"type", "fs.list"}, {"path", "."}};
  CAF_CHECK_EQUAL(said(ask(what), "error"), "unauthorized");
  auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
               .count();
  what["auth"] = {{"kid", "k"}, {"ts", now}};
  auto mac = link::command_mac("a secret of sixteen", what);
  what["auth"]["mac"] = mac;
  CAF_CHECK_EQUAL(said(ask(what), "ok"), true);
  what["path"] = "..";
  CAF_CHECK_EQUAL(said(ask(what), "error"), "unauthorized");
}

CAF_TEST(people see a command from the queue to its end and no secret) {
  begin();
  say(exec("x1", "echo hunter2"));
  jobs[0]->handlers.on_output(shell::shell_stream::out, 0, "it is hunt");
  after(std::chrono::milliseconds{300});
  jobs[0]->handlers.on_output(shell::shell_stream::out, 10, "er2!");
  after(std::chrono::milliseconds{300});
  command_outcome outcome;
  outcome.fields = {{"exit_code", 3}};
  jobs[0]->end(outcome);
  drain();
  auto all = events();
  CAF_REQUIRE(all.size() >= 5);
  CAF_CHECK_EQUAL(all[0]["phase"], "queued");
  CAF_CHECK_EQUAL(all[0]["summary"], "echo ***");
  CAF_CHECK_EQUAL(all[0]["type"], "shell.exec");
  CAF_CHECK_EQUAL(all[1]["phase"], "running");
  CAF_CHECK_EQUAL(all.back()["phase"], "done");
  CAF_CHECK_EQUAL(all.back()["exit_code"], 3);
  std::string text;
  for (const auto& one : all)
    if (one["phase"] == "output")
      text += one["text"].get<std::string>();
  CAF_CHECK_EQUAL(text, "it is ***!");
}

CAF_TEST(a stop answers whatever waits or runs) {
  begin();
  for (int i = 0; i < 50; ++i)
    say(exec("x" + std::to_string(i)));
  heard();
  bool done = false;
  caf::anon_send(actor, commands_goodbye{[&] { done = true; }});
  drain();
  CAF_CHECK(done);
  auto all = heard();
  CAF_CHECK_EQUAL(all.size(), 50u);
  for (const auto& one : all)
    CAF_CHECK_EQUAL(one["error"], "shutdown");
  CAF_CHECK_EQUAL(said(ask(exec("late")), "error"), "shutdown");
}

CAF_TEST(a worker that crashes is an internal error and not a silence) {
  deps.shell.decode
    = [](const command&) -> result<shell::shell_request> { throw std::runtime_error("a bug"); };
  begin();
  say(exec("x1"));
  auto got = answer();
  CAF_CHECK_EQUAL(got["error"], "internal");
  auto next = ask({{"id", "b"}, {"type", "fs.list"}, {"path", "."}});
  CAF_CHECK_EQUAL(next["ok"], true);
}

CAF_TEST_FIXTURE_SCOPE_END()
