// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE commands_outbox

#include "tests/actors/commands_fixture.hpp"

using namespace holt;
using nlohmann::json;
using test::said;
using namespace std::chrono_literals;

namespace {

struct fixture : test::commands_fixture {
  /// Joined with these limits.
  void begin_with(link::link_limits limits) {
    begin();
    caf::anon_send(actor, link_up{0, limits});
    drain();
    port->out.clear();
  }
  json read(const std::string& id, bool stream) {
    return {{"type", "fs.read"}, {"id", id}, {"src", "agent"}, {"path", "big"}, {"stream", stream}};
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(commands_outbox_tests, fixture)

CAF_TEST(an answer that a full outbox refuses again and again is not lost) {
  begin();
  port->room = 0;
  say({{"type", "shell.exec"}, {"id", "x1"}, {"cmd", "make"}});
  jobs[0]->end({});
  drain();
  say({{"type", "fly"}, {"id", "f1"}});
  for (int i = 0; i < 5; ++i)
    after(600ms);
  CAF_CHECK(heard().empty());
  port->room = 1;
  after(600ms);
  auto first = heard();
  CAF_REQUIRE_EQUAL(first.size(), 1u);
  CAF_CHECK_EQUAL(first[0]["id"], "f1");
  port->room = 1'000;
  after(600ms);
  auto second = heard();
  CAF_REQUIRE_EQUAL(second.size(), 1u);
  CAF_CHECK_EQUAL(second[0]["id"], "x1");
  after(5s);
  CAF_CHECK(heard().empty());
}

CAF_TEST(hello and what an outage swallowed wait for room in the outbox) {
  begin();
  say({{"type", "shell.exec"}, {"id", "x1"}, {"cmd", "make"}});
  caf::anon_send(actor, link_down{0, {errc::timeout, "gone"}, deps.identity.boot});
  drain();
  jobs[0]->end({});
  drain();
  port->room = 0;
  caf::anon_send(actor, link_up{0, {256'000, 0}});
  drain();
  after(2s);
  CAF_CHECK(heard().empty());
  port->room = 1'000;
  after(600ms);
  auto all = heard();
  CAF_REQUIRE_EQUAL(all.size(), 2u);
  CAF_CHECK_EQUAL(all[0]["type"], "hello");
  CAF_CHECK_EQUAL(all[1]["id"], "x1");
}

CAF_TEST(a large file of zeros arrives in pieces that fit) {
  test::spit(files.path / "big", std::string(400'000, '\0'));
  begin();
  port->largest = 256'000;
  say(read("r1", true));
  after(1s);
  auto all = heard();
  CAF_REQUIRE(all.size() > 1);
  CAF_CHECK_EQUAL(all.back()["ok"], true);
  CAF_CHECK_EQUAL(all.back()["parts"], all.size() - 1);
  CAF_CHECK_EQUAL(all.front()["enc"], "base64");
}

CAF_TEST(a piece that the link never takes ends the command) {
  test::spit(files.path / "big", std::string(3'000, 'a'));
  begin_with({360, 0});
  port->largest = 360;
  auto id = std::string(200, 'i');
  say(read(id, true));
  after(1s);
  auto got = answer();
  CAF_CHECK_EQUAL(got["id"], id);
  CAF_CHECK_EQUAL(got["error"], "too_large");
}

CAF_TEST(a cancel of what is being sent is answered as cancelled) {
  test::spit(files.path / "big", std::string(3'000'000, 'a'));
  begin_with({256'000, 40});
  say(read("r1", true));
  auto pieces = heard().size();
  CAF_CHECK(pieces > 0 && pieces < 45);
  say({{"type", "cancel"}, {"id", "c1"}, {"src", "agent"}, {"target", "r1"}});
  after(1s);
  auto all = heard();
  CAF_REQUIRE_EQUAL(all.size(), 2u);
  CAF_CHECK_EQUAL(all[0]["id"], "c1");
  CAF_CHECK_EQUAL(all[1]["id"], "r1");
  CAF_CHECK_EQUAL(all[1]["error"], "cancelled");
}

CAF_TEST(many large answers at once keep to the pace of one) {
  test::spit(files.path / "big", std::string(1'000'000, 'a'));
  begin_with({256'000, 40});
  for (int i = 0; i < 5; ++i)
    say(read("r" + std::to_string(i), true));
  CAF_CHECK_EQUAL(heard().size(), 8u);
  after(5'000ms);
  auto all = heard().size();
  CAF_CHECK(all >= 70 && all <= 120);
}

CAF_TEST(what has no address waits until it is known whose session it is) {
  deps.links[0].own = false;
  begin();
  json older{{"role", "sandbox"}, {"id", "sbx_0"}, {"since", 500}, {"boot", 9}};
  say({{"type", "shell.exec"}, {"id", "x1"}, {"cmd", "make"}});
  CAF_CHECK(jobs.empty());
  CAF_CHECK(deps.inbox->bytes > 0);
  caf::anon_send(actor, link_present{0, {{"k0", older}}});
  drain();
  CAF_CHECK(jobs.empty());
  CAF_CHECK_EQUAL(deps.inbox->bytes.load(), 0u);
  caf::anon_send(actor, link_up{0, {256'000, 0}});
  drain();
  say({{"type", "shell.exec"}, {"id", "x2"}, {"cmd", "make"}, {"to", "sbx_1"}});
  CAF_CHECK_EQUAL(jobs.size(), 1u);
  say({{"type", "shell.exec"}, {"id", "x3"}, {"cmd", "make"}});
  CAF_CHECK_EQUAL(jobs.size(), 1u);
  caf::anon_send(actor, link_present{0, {}});
  drain();
  CAF_CHECK_EQUAL(jobs.size(), 2u);
}

CAF_TEST(a link that never says who is there is served after a second) {
  deps.links[0].own = false;
  begin();
  say({{"type", "shell.exec"}, {"id", "x1"}, {"cmd", "make"}});
  CAF_CHECK(jobs.empty());
  after(1'100ms);
  CAF_CHECK_EQUAL(jobs.size(), 1u);
}

CAF_TEST(a batch with an effect that found too much still says what became of each item) {
  test::spit(files.path / "big", std::string(150'000, 'a'));
  begin();
  json reads = {{{"type", "fs.write"}, {"path", "new"}, {"content", "1"}},
                {{"type", "fs.read"}, {"path", "big"}},
                {{"type", "fs.read"}, {"path", "big"}}};
  say({{"type", "batch"}, {"id", "b1"}, {"src", "agent"}, {"items", reads}});
  auto got = answer();
  CAF_CHECK_EQUAL(got["ok"], true);
  CAF_CHECK_EQUAL(got["truncated"], true);
  CAF_REQUIRE_EQUAL(got["results"].size(), 3u);
  CAF_CHECK_EQUAL(got["results"][0]["ok"], true);
  CAF_CHECK_EQUAL(got["results"][1]["content"].get<std::string>().size(), 150'000u);
  CAF_CHECK_EQUAL(got["results"][2]["ok"], true);
  CAF_CHECK(!got["results"][2].contains("content"));
}

CAF_TEST(a file that just fits the link needs no pieces) {
  test::spit(files.path / "big", std::string(240'000, 'a'));
  begin();
  say(read("r1", false));
  auto got = answer();
  CAF_CHECK_EQUAL(got["ok"], true);
  CAF_CHECK_EQUAL(got["content"].get<std::string>().size(), 240'000u);
}

CAF_TEST(the mailbox of a dead actor gives back what it held) {
  start();
  say({{"type", "shell.exec"}, {"id", "x1"}, {"cmd", "make"}}); // no port yet: it is kept
  CAF_CHECK(deps.inbox->bytes > 0);
  crash();
  CAF_CHECK_EQUAL(deps.inbox->bytes.load(), 0u);
}

CAF_TEST(a secret where a line is cut for people is masked) {
  begin();
  say({{"type", "shell.exec"}, {"id", "x1"}, {"cmd", std::string(296, 'x') + "hunter2 and more"}});
  json shown;
  caf::anon_send(actor, commands_query{[&](json what) { shown = std::move(what); }});
  drain();
  auto line = shown["commands"][0]["summary"].get<std::string>();
  CAF_CHECK(line.find("***") != line.npos);
  CAF_CHECK(line.find("hunt") == line.npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
