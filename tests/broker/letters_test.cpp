// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE letters

#include "tests/broker/broker_rig.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <map>
#include <random>

using namespace rig;

namespace {

const std::string sandbox = "realtime:sandbox:s1";

std::string numbered(int n) {
  return R"({"n":)" + std::to_string(n) + "}";
}

/// A daemon that keeps in its hands what it hears.
struct holder {
  /// What callbacks use: one may still run when the port was closed.
  struct shared {
    events seen;
    std::mutex mutex;
    std::vector<link::held_message_ptr> hands;
    bool over = false;
  };
  explicit holder(broker_server& s) {
    link::link_events how;
    how.on_up = [to = state](link::link_limits) { to->seen.add("up"); };
    how.on_message = [to = state](link::link_message m) {
      auto held = std::make_shared<link::held_message>(std::move(m));
      const std::lock_guard lock{to->mutex};
      if (to->over)
        return;
      to->seen.add(held->what().payload);
      to->hands.push_back(std::move(held));
    };
    port = s->join_local("s1", std::move(how));
  }
  ~holder() { (void)end(); }
  /// Closed; what it has in its hands.
  std::vector<link::held_message_ptr> end() {
    port->close();
    const std::lock_guard lock{state->mutex};
    state->over = true;
    return std::exchange(state->hands, {});
  }
  std::vector<link::held_message_ptr> take() {
    const std::lock_guard lock{state->mutex};
    return std::exchange(state->hands, {});
  }
  std::shared_ptr<shared> state = std::make_shared<shared>();
  events& seen = state->seen;
  link::link_port_ptr port;
};

} // namespace

CAF_TEST(letters that a reader was sent and did not read are not lost) {
  broker_server s;
  holder daemon{s};
  CAF_REQUIRE(daemon.seen.wait_for("up"));
  for (int i = 0; i < 5; ++i)
    CAF_REQUIRE(daemon.port->send("result", text(numbered(i))));
  {
    phoenix_client dead{s, s->agent_key("s1")};
    dead.answers_pings = false;
    CAF_REQUIRE(dead.joined(sandbox));
    CAF_REQUIRE_EQUAL(dead.next().at("/payload/n"), 0); // the others are with its kernel by now
    dead.hang_up();
  }
  CAF_REQUIRE(s.settles([&] { return s->stats().members == 1; }));
  phoenix_client agent{s, s->agent_key("s1")};
  CAF_REQUIRE(agent.joined(sandbox));
  for (int i = 0; i < 5; ++i) {
    const auto got = agent.next();
    CAF_CHECK_EQUAL(got.at("/payload/n"), i);
    CAF_CHECK_EQUAL(got.at("/meta/replayed"), true);
  }
  // Whether they were read is asked behind them, not with them.
  for (int i = 0; i < 10'000 && agent.pongs == 0; ++i)
    agent.settle();
  CAF_REQUIRE(agent.pongs > 0);
  agent.settle(); // its pong was heard
  agent.hang_up();
  CAF_REQUIRE(s.settles([&] { return s->stats().members == 1; }));
  phoenix_client late{s, s->agent_key("s1")};
  CAF_REQUIRE(late.joined(sandbox));
  late.settle();
  CAF_CHECK(late.skipped.empty());
}

CAF_TEST(letters of a reader that dies go to another that is there) {
  broker_server s;
  holder daemon{s};
  CAF_REQUIRE(daemon.seen.wait_for("up"));
  CAF_REQUIRE(daemon.port->send("result", text(numbered(1))));
  phoenix_client dead{s, s->agent_key("s1")};
  dead.answers_pings = false;
  CAF_REQUIRE(dead.joined(sandbox));
  CAF_REQUIRE_EQUAL(dead.next().at("/payload/n"), 1);
  phoenix_client agent{s, s->agent_key("s1")};
  CAF_REQUIRE(agent.joined(sandbox));
  agent.settle();
  CAF_CHECK(agent.skipped.empty()); // it is lent to the first
  dead.hang_up();
  CAF_CHECK_EQUAL(agent.next().at("/payload/n"), 1);
}

CAF_TEST(what the daemon had in its hands comes back at its place) {
  broker_server s;
  phoenix_client agent{s, s->agent_key("s1")};
  CAF_REQUIRE(agent.joined(sandbox));
  agent.broadcast(sandbox, "cmd", {{"n", 0}}); // waits
  agent.settle();
  {
    holder daemon{s};
    CAF_REQUIRE(daemon.seen.wait_for(numbered(0)));
    for (int i = 1; i < 6; ++i)
      agent.broadcast(sandbox, "cmd", {{"n", i}});
    CAF_REQUIRE(daemon.seen.wait_for(numbered(5)));
    auto hands = daemon.take();
    CAF_REQUIRE_EQUAL(hands.size(), 6u);
    hands[2]->settle();
    while (!hands.empty())
      hands.pop_back();
    // It has shown that it takes nothing more: this waits, too.
    agent.broadcast(sandbox, "cmd", {{"n", 6}});
    agent.settle();
  }
  holder daemon{s};
  CAF_REQUIRE(daemon.seen.wait_for(numbered(6)));
  std::vector<std::string> want{"up"};
  for (const int n : {0, 1, 3, 4, 5, 6})
    want.push_back(numbered(n));
  CAF_CHECK(daemon.seen.all() == want);
  for (const auto& one : daemon.take())
    one->settle();
}

CAF_TEST(a message that always comes back is given up in the end) {
  broker_server s;
  phoenix_client agent{s, s->agent_key("s1")};
  CAF_REQUIRE(agent.joined(sandbox));
  agent.broadcast(sandbox, "cmd", {{"n", 0}});
  agent.settle();
  for (int i = 0; i < 6; ++i) {
    holder daemon{s};
    CAF_REQUIRE(daemon.seen.wait_for(numbered(0)));
    daemon.take().clear();
  }
  holder daemon{s};
  CAF_REQUIRE(daemon.seen.wait_for("up"));
  agent.broadcast(sandbox, "cmd", {{"n", 1}});
  CAF_REQUIRE(daemon.seen.wait_for(numbered(1)));
  CAF_CHECK_EQUAL(daemon.seen.all().size(), 2u);
  for (const auto& one : daemon.take())
    one->settle();
}

CAF_TEST(every command is dealt with once while the channel comes and goes) {
  const auto seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  std::mt19937 random{seed};
  broker_server s;
  phoenix_client agent{s, s->agent_key("s1")};
  CAF_REQUIRE(agent.joined(sandbox));
  constexpr int count = 300;
  std::thread sender{[&] {
    for (int i = 0; i < count; ++i)
      agent.broadcast(sandbox, "cmd", {{"n", i}});
  }};
  std::map<std::string, int> done;
  std::map<std::string, int> dropped;
  std::vector<link::held_message_ptr> left; // goes back at once, or after the next join
  const auto treat = [&](std::vector<link::held_message_ptr> all) {
    for (auto& one : all) {
      const auto body = one->what().payload;
      if (random() % 8 == 0 && dropped[body] < 3) {
        ++dropped[body];
        left.push_back(std::move(one));
      } else {
        ++done[body];
        one->settle();
      }
    }
    if (random() % 4 == 0)
      left.clear();
  };
  const auto end = std::chrono::steady_clock::now() + limit;
  while (done.size() < count && std::chrono::steady_clock::now() < end) {
    holder daemon{s};
    if (random() % 2 == 0)
      CAF_CHECK(daemon.seen.wait_for("up"));
    for (auto rounds = random() % 50; rounds > 0; --rounds) {
      treat(daemon.take());
      std::this_thread::yield();
    }
    treat(daemon.end());
  }
  sender.join();
  CAF_CHECK_EQUAL(done.size(), static_cast<std::size_t>(count));
  for (const auto& [body, times] : done)
    CAF_CHECK_EQUAL(times, 1);
}
