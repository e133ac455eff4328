// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE mailbox

#include "tests/broker/broker_rig.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <future>
#include <set>

using namespace rig;

namespace {

const std::string sandbox = "realtime:sandbox:s1";

struct local {
  explicit local(broker_server& s) {
    link::link_events how;
    how.on_up = [to = heard](link::link_limits) { to->add("up"); };
    how.on_message = [to = heard](link::link_message m) {
      link::held_message held{std::move(m)};
      const auto& what = held.what();
      to->add((what.replayed ? "old " : "new ") + what.event + " " + what.payload);
      held.settle();
    };
    how.on_presence = [to = heard](std::vector<link::link_presence> all) {
      std::string keys;
      for (const auto& one : all)
        keys += " " + one.key;
      to->add("present" + keys);
    };
    port = s->join_local("s1", std::move(how));
  }
  /// Shared with the callbacks: one may still run when the port was closed.
  std::shared_ptr<events> heard = std::make_shared<events>();
  events& seen = *heard;
  link::link_port_ptr port;
};

/// A file in a folder that goes with it.
struct place {
  place() {
    char name[] = "/tmp/holt-mailbox-XXXXXX";
    folder = ::mkdtemp(name);
    file = folder + "/mailbox.db";
  }
  ~place() { std::filesystem::remove_all(folder); }
  std::string folder;
  std::string file;
};

} // namespace

CAF_TEST(a command said to nobody waits for the daemon and comes once) {
  broker_server s;
  phoenix_client agent{s, s->agent_key("s1")};
  CAF_REQUIRE(agent.joined(sandbox, {{"broadcast", {{"ack", true}}}}));
  agent.broadcast(sandbox, "cmd", {{"id", "req_1"}}, "2");
  CAF_CHECK_EQUAL(agent.next().at("/status"), "ok");
  CAF_CHECK_EQUAL(s->stats().mailbox_stored, 1u);
  {
    local daemon{s};
    CAF_CHECK(daemon.seen.wait_for(R"(old cmd {"id":"req_1"})"));
    CAF_CHECK(daemon.seen.all().front() == "up");
    agent.broadcast(sandbox, "cmd", {{"id", "req_2"}}, "3");
    CAF_CHECK(daemon.seen.wait_for(R"(new cmd {"id":"req_2"})"));
    daemon.port->close();
  }
  local again{s};
  CAF_CHECK(again.seen.wait_for("up"));
  agent.broadcast(sandbox, "cmd", {{"id", "req_3"}}, "4");
  CAF_CHECK(again.seen.wait_for(R"(new cmd {"id":"req_3"})"));
  CAF_CHECK_EQUAL(again.seen.all().size(), 2u);
  again.port->close();
}

CAF_TEST(a result said to nobody waits for the agent in the shape of a replay) {
  broker_server s;
  local daemon{s};
  CAF_REQUIRE(daemon.seen.wait_for("up"));
  CAF_CHECK(!daemon.port->somebody_listens());
  CAF_CHECK(daemon.port->send("result", text(R"({"id":"req_1","ok":true})")));
  for (const std::string vsn : {"2.0.0", "1.0.0"}) {
    phoenix_client agent{s, s->agent_key("s1"), vsn};
    CAF_REQUIRE(agent.joined(sandbox));
    CAF_CHECK(daemon.port->somebody_listens());
    if (vsn == "2.0.0") {
      const auto got = agent.next();
      CAF_CHECK_EQUAL(got.payload["event"], "result");
      CAF_CHECK_EQUAL(got.payload["payload"]["id"], "req_1");
      CAF_CHECK_EQUAL(got.payload["meta"]["replayed"], true);
      CAF_CHECK_EQUAL(got.payload["meta"]["id"].get<std::string>().size(), 36u);
      for (int i = 0; i < 10'000 && agent.pongs == 0; ++i)
        agent.settle(); // reads the ping behind it, which may be written later
      CAF_REQUIRE(agent.pongs > 0);
      agent.settle(); // and its pong was heard
    } else {
      agent.settle();
      CAF_CHECK(agent.skipped.empty()); // it was handed over already
    }
    agent.hang_up();
    CAF_CHECK(s.settles([&] { return s->stats().members == 1; }));
  }
  daemon.port->close();
}

CAF_TEST(another agent does not take what was said to the daemon) {
  broker_server s;
  phoenix_client a{s, s->agent_key("s1")};
  phoenix_client b{s, s->agent_key("s1")};
  CAF_REQUIRE(a.joined(sandbox) && b.joined(sandbox));
  a.broadcast(sandbox, "cmd", {{"id", "req_1"}});
  const auto heard = b.next();
  CAF_CHECK_EQUAL(heard.payload["event"], "cmd");
  CAF_CHECK(!heard.payload.contains("meta"));
  phoenix_client c{s, s->agent_key("s1")};
  CAF_REQUIRE(c.joined(sandbox));
  c.settle();
  CAF_CHECK(c.skipped.empty());
  local daemon{s};
  CAF_CHECK(daemon.seen.wait_for(R"(old cmd {"id":"req_1"})"));
  daemon.port->close();
}

CAF_TEST(what waits survives the broker and keeps its order) {
  place p;
  broker::broker_options how;
  how.mailbox_file = p.file;
  {
    broker_server s{how};
    phoenix_client agent{s, s->agent_key("s1")};
    CAF_REQUIRE(agent.joined(sandbox, {{"broadcast", {{"ack", true}}}}));
    for (int i = 0; i < 50; ++i)
      agent.broadcast(sandbox, "cmd", {{"n", i}}, std::to_string(i));
    for (int i = 0; i < 50; ++i)
      CAF_REQUIRE_EQUAL(agent.next().ref, std::to_string(i));
  }
  broker_server s{how};
  local daemon{s};
  CAF_REQUIRE(daemon.seen.wait_for(R"(old cmd {"n":49})"));
  const auto all = daemon.seen.all();
  CAF_REQUIRE(all.size() >= 51);
  for (std::size_t i = 0; i < 50; ++i)
    CAF_CHECK_EQUAL(all[i + 1], R"(old cmd {"n":)" + std::to_string(i) + "}");
  daemon.port->close();
}

CAF_TEST(the mailbox keeps the newest when it is full) {
  broker::broker_options how;
  how.mailbox_messages = 3;
  broker_server s{how};
  phoenix_client agent{s, s->agent_key("s1")};
  CAF_REQUIRE(agent.joined(sandbox, {{"broadcast", {{"ack", true}}}}));
  for (int i = 0; i < 10; ++i)
    agent.broadcast(sandbox, "cmd", {{"n", i}}, std::to_string(i));
  for (int i = 0; i < 10; ++i)
    CAF_REQUIRE_EQUAL(agent.next().event, "phx_reply");
  local daemon{s};
  CAF_REQUIRE(daemon.seen.wait_for(R"(old cmd {"n":9})"));
  const auto all = daemon.seen.all();
  CAF_REQUIRE(all.size() >= 4);
  CAF_CHECK_EQUAL(all[1], R"(old cmd {"n":7})");
  daemon.port->close();
}

CAF_TEST(other channels have no mailbox) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  CAF_REQUIRE(a.joined("realtime:room:1"));
  a.broadcast("realtime:room:1", "x", json::object());
  a.settle();
  CAF_CHECK_EQUAL(s->stats().mailbox_stored, 0u);
}

CAF_TEST(nothing is lost between many joins and broadcasts) {
  broker_server s;
  phoenix_client agent{s, s->agent_key("s1")};
  CAF_REQUIRE(agent.joined(sandbox));
  constexpr int count = 400;
  std::mutex mutex;
  std::set<std::string> got;
  std::thread sender{[&] {
    for (int i = 0; i < count; ++i)
      agent.broadcast(sandbox, "cmd", i);
  }};
  const auto arrived = [&] {
    const std::lock_guard lock{mutex};
    return got.size();
  };
  const auto end = std::chrono::steady_clock::now() + limit;
  while (arrived() < count && std::chrono::steady_clock::now() < end) {
    std::promise<void> up;
    link::link_events how;
    how.on_up = [&](link::link_limits) { up.set_value(); };
    how.on_message = [&](link::link_message m) {
      const std::lock_guard lock{mutex};
      got.insert(m.payload);
      link::held_message{std::move(m)}.settle();
    };
    const auto port = s->join_local("s1", std::move(how));
    CAF_REQUIRE(up.get_future().wait_for(limit) == std::future_status::ready);
    const auto before = arrived();
    s.settles([&] { return arrived() > before || s->stats().received > count; });
    port->close(); // what it heard and did not hand up comes back to the mailbox
    std::promise<void> quiet;
    boost::asio::post(s.io, [&] { quiet.set_value(); });
    quiet.get_future().wait_for(limit);
  }
  sender.join();
  const std::lock_guard lock{mutex};
  CAF_CHECK_EQUAL(got.size(), static_cast<std::size_t>(count));
}

CAF_TEST(the local member is present and hears of other sandboxes) {
  broker_server s;
  local daemon{s};
  daemon.port->set_presence({{"role", "sandbox"}, {"id", "sbx-1"}, {"boot", "b1"}});
  CAF_CHECK(daemon.seen.wait_for("present sbx-1"));
  phoenix_client other{s, s->daemon_key()};
  CAF_REQUIRE(other.joined(sandbox, {{"presence", {{"enabled", true}, {"key", "sbx-2"}}}}));
  const auto state = other.next();
  CAF_CHECK_EQUAL(state.payload["sbx-1"]["metas"][0]["boot"], "b1");
  other.push(sandbox, "presence", {{"event", "track"}, {"payload", {{"role", "sandbox"}}}}, "2",
             "1");
  CAF_CHECK(daemon.seen.wait_for("present sbx-1 sbx-2"));
  other.hang_up();
  CAF_CHECK(s.settles([&] { return daemon.seen.all().back() == "present sbx-1"; }));
  daemon.port->close();
  CAF_CHECK(!daemon.port->send("x", text("{}")));
}

CAF_TEST(more letters than an outbox holds reach a slow reader) {
  broker_server s;
  local daemon{s};
  CAF_REQUIRE(daemon.seen.wait_for("up"));
  constexpr int count = 30;
  const std::string filler(800'000, 'x');
  for (int i = 0; i < count; ++i)
    CAF_REQUIRE(daemon.port->send("result", text(json{{"n", i}, {"text", filler}}.dump())));
  phoenix_client agent{s, s->agent_key("s1")};
  CAF_REQUIRE(agent.joined(sandbox));
  for (int i = 0; i < count; ++i)
    CAF_REQUIRE_EQUAL(agent.next().at("/payload/n"), i);
  CAF_CHECK_EQUAL(s->stats().slow_closed, 0u);
  daemon.port->close();
}

CAF_TEST(letters for which a reader stayed too short wait for the next) {
  broker_server s;
  local daemon{s};
  CAF_REQUIRE(daemon.seen.wait_for("up"));
  constexpr int count = 50;
  const std::string filler(800'000, 'x');
  for (int i = 0; i < count; ++i)
    CAF_REQUIRE(daemon.port->send("result", text(json{{"n", i}, {"text", filler}}.dump())));
  {
    phoenix_client agent{s, s->agent_key("s1")};
    CAF_REQUIRE(agent.joined(sandbox));
    CAF_REQUIRE_EQUAL(agent.next().at("/payload/n"), 0);
  }
  CAF_REQUIRE(s.settles([&] { return s->stats().members == 1; }));
  phoenix_client agent{s, s->agent_key("s1")};
  CAF_REQUIRE(agent.joined(sandbox));
  for (int i = 0; i < count; ++i) // also what the kernel had for the first one
    CAF_REQUIRE_EQUAL(agent.next().at("/payload/n"), i);
  daemon.port->close();
}

CAF_TEST(an agent that calls itself a sandbox is no daemon) {
  broker_server s;
  local daemon{s};
  daemon.port->set_presence({{"role", "sandbox"}, {"id", "sbx-1"}});
  CAF_CHECK(daemon.seen.wait_for("present sbx-1"));
  phoenix_client agent{s, s->agent_key("s1")};
  CAF_REQUIRE(agent.joined(sandbox, {{"presence", {{"enabled", true}, {"key", "sbx-0"}}}}));
  agent.push(sandbox, "presence", {{"event", "track"}, {"payload", {{"role", "sandbox"}}}}, "2",
             "1");
  agent.settle();
  agent.broadcast(sandbox, "cmd", json::object());
  CAF_CHECK(daemon.seen.wait_for("new cmd {}"));
  for (const auto& one : daemon.seen.all())
    CAF_CHECK(one.find("sbx-0") == one.npos);
  daemon.port->close();
}

CAF_TEST(the daemon gets in although there are too many members) {
  broker::broker_options how;
  how.max_members = 0;
  broker_server s{how};
  local daemon{s};
  CAF_CHECK(daemon.seen.wait_for("up"));
  phoenix_client agent{s, s->agent_key("s1")};
  CAF_CHECK(!agent.joined(sandbox));
  daemon.port->close();
}
