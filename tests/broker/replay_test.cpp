// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE replay

// What a join may ask for of what was said before it; and the counters of the broker's limits.

#include "broker/call_limits.hpp"
#include "broker/join_config.hpp"
#include "broker/replay_log.hpp"
#include "tests/broker/broker_rig.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <set>

using namespace rig;
using namespace holt::broker;
using namespace std::chrono_literals;

namespace {

const std::string room = "realtime:room:1";

json wants(const json& replay, bool is_private = true) {
  return {{"private", is_private}, {"broadcast", {{"ack", true}, {"replay", replay}}}};
}

/// Said, and in the log of the broker: its ack came.
void say(phoenix_client& from, const std::string& topic, int n) {
  from.broadcast(topic, "e", {{"n", n}}, "s" + std::to_string(n));
  CAF_REQUIRE_EQUAL(from.next("phx_reply").at("/status"), "ok");
}

/// The numbers of all broadcasts up to now; each must say that it is a repetition.
std::vector<int> replayed(phoenix_client& to) {
  to.skipped.clear();
  to.settle();
  std::vector<int> out;
  for (const auto& one : to.skipped)
    if (one.event == "broadcast") {
      CAF_CHECK_EQUAL(one.at("/meta/replayed"), true);
      CAF_CHECK(one.at("/meta/id").is_string());
      out.push_back(one.at("/payload/n").get<int>());
    }
  return out;
}

using numbers = std::vector<int>;

outgoing_ptr text(const std::string& payload) {
  phoenix::frame frame;
  frame.topic = room;
  frame.event = "broadcast";
  frame.user_event = "e";
  frame.payload = payload;
  return std::make_shared<outgoing>(std::move(frame));
}

numbers sizes(const std::vector<letter>& all) {
  numbers out;
  for (const auto& one : all)
    out.push_back(static_cast<int>(one.message.payload.size()));
  return out;
}

} // namespace

CAF_TEST(a join gets the newest of what was said in a private channel and oldest first) {
  broker_server s;
  for (const std::string vsn : {"1.0.0", "2.0.0"}) {
    const auto topic = room + vsn;
    phoenix_client a{s, s->app_key(), vsn};
    CAF_REQUIRE(a.joined(topic, {{"private", true}, {"broadcast", {{"ack", true}}}}));
    for (int n = 0; n < 4; ++n)
      say(a, topic, n);
    phoenix_client b{s, s->app_key(), vsn};
    CAF_REQUIRE(b.joined(topic, wants({{"since", 0}, {"limit", 3}})));
    CAF_CHECK_EQUAL(replayed(b), (numbers{1, 2, 3}));
    say(a, topic, 4);
    const auto live = b.next("broadcast");
    CAF_CHECK_EQUAL(live.at("/payload/n"), 4);
    CAF_CHECK(live.at("/meta").is_null());
    // Nobody is there any more, and it is still known.
    for (auto* one : {&a, &b}) {
      one->push(topic, "phx_leave", json::object(), "9", "1");
      CAF_CHECK_EQUAL(one->next("phx_close").event, "phx_close");
    }
    CAF_CHECK(s.settles([&] { return s->stats().topics == 0; }));
    CAF_REQUIRE(b.joined(topic, wants({{"since", 0}})));
    CAF_CHECK_EQUAL(replayed(b), (numbers{0, 1, 2, 3, 4}));
  }
}

CAF_TEST(what is replayed comes behind presence and in front of the word about the database) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  CAF_REQUIRE(a.joined(room, {{"private", true}, {"broadcast", {{"ack", true}}}}));
  say(a, room, 1);
  auto config = wants({{"since", 0}});
  config["presence"] = {{"enabled", true}};
  config["postgres_changes"] = {{{"event", "*"}, {"schema", "public"}}};
  phoenix_client b{s, s->app_key()};
  CAF_REQUIRE(b.joined(room, config));
  for (const char* event : {"presence_state", "broadcast", "system"})
    CAF_CHECK_EQUAL(b.next().event, event);
}

CAF_TEST(a message has the same id each time and the one that it was posted with) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  CAF_REQUIRE(a.joined(room, {{"private", true}, {"broadcast", {{"ack", true}}}}));
  say(a, room, 1);
  std::set<json> ids;
  for (int i = 0; i < 2; ++i) {
    CAF_REQUIRE(a.joined(room, wants({{"since", 0}})));
    ids.insert(a.next("broadcast").at("/meta/id"));
  }
  CAF_CHECK_EQUAL(ids.size(), 1u);
}

CAF_TEST(nothing is replayed that was not asked for or is older or was said in public) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  CAF_REQUIRE(a.joined(room, {{"private", true}, {"broadcast", {{"ack", true}}}}));
  say(a, room, 1);
  phoenix_client b{s, s->app_key()};
  CAF_REQUIRE(b.joined(room, {{"private", true}}));
  CAF_CHECK_EQUAL(replayed(b), numbers{});
  CAF_REQUIRE(b.joined(room, wants({{"since", now_milliseconds() + 3'600'000}})));
  CAF_CHECK_EQUAL(replayed(b), numbers{});
  CAF_REQUIRE(b.joined(room, wants(nullptr)));
  CAF_CHECK_EQUAL(replayed(b), numbers{});
  CAF_REQUIRE(a.joined("realtime:open", {{"broadcast", {{"ack", true}}}}));
  say(a, "realtime:open", 2);
  CAF_REQUIRE(b.joined("realtime:open", wants({{"since", 0}}))); // the private one of this name
  CAF_CHECK_EQUAL(replayed(b), numbers{});
}

CAF_TEST(a wish that cannot be fulfilled is an error of the join) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  const auto why = [&](const json& config) {
    return a.join(room, config).at("/response/reason").get<std::string>();
  };
  CAF_CHECK_EQUAL(why(wants({{"since", 0}}, false)),
                  "UnableToReplayMessages: Replay is not allowed for public channels");
  for (const json& replay :
       {json::object(), json{{"since", "0"}}, json{{"since", 1.5}}, json{{"since", nullptr}},
        json{{"since", 0}, {"limit", "3"}}, json{{"limit", 3}}, json(7), json::array()})
    CAF_CHECK_EQUAL(why(wants(replay)), "UnableToReplayMessages: Replay params are not valid");
}

CAF_TEST(bytes are replayed to version 2 and passed over for version 1) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  CAF_REQUIRE(a.joined(room, {{"private", true}, {"broadcast", {{"ack", true}}}}));
  phoenix::frame push;
  push.topic = room;
  push.join_ref = "1";
  push.ref = "2";
  push.user_event = "blob";
  push.payload = std::string{"\xde\xad", 2};
  push.binary = true;
  a.send_binary(phoenix::encode_user_push(push).value());
  CAF_REQUIRE_EQUAL(a.next("phx_reply").at("/status"), "ok");
  say(a, room, 1);
  phoenix_client v1{s, s->app_key(), "1.0.0"};
  CAF_REQUIRE(v1.joined(room, wants({{"since", 0}})));
  CAF_CHECK_EQUAL(replayed(v1), (numbers{1}));
  phoenix_client v2{s, s->app_key()};
  CAF_REQUIRE(v2.joined(room, wants({{"since", 0}})));
  const auto bytes = phoenix::decode_server_binary(v2.next().bytes);
  CAF_REQUIRE(bytes.has_value());
  CAF_CHECK_EQUAL(bytes->payload, push.payload);
  CAF_CHECK(bytes->metadata.find(R"("replayed":true)") != std::string::npos);
}

CAF_TEST(in a sandbox a letter comes once although it is asked for again) {
  broker_server s;
  const std::string topic = "realtime:sandbox:s1";
  phoenix_client a{s, s->agent_key("s1")};
  CAF_REQUIRE(a.joined(topic, {{"private", true}, {"broadcast", {{"ack", true}}}}));
  say(a, topic, 1); // nobody hears it: a letter
  phoenix_client sandbox{s, s->daemon_key()};
  CAF_REQUIRE(sandbox.joined(topic, wants({{"since", 0}})));
  CAF_CHECK_EQUAL(sandbox.next("broadcast").at("/payload/n"), 1);
  say(a, topic, 2);
  CAF_CHECK_EQUAL(sandbox.next("broadcast").at("/payload/n"), 2);
  sandbox.settle();
  for (const auto& one : sandbox.skipped)
    CAF_CHECK(one.event != "broadcast");
  // Another agent is not spoken to by agents; the daemon's next life may ask for all.
  phoenix_client b{s, s->agent_key("s1")};
  CAF_REQUIRE(b.joined(topic, wants({{"since", 0}})));
  CAF_CHECK_EQUAL(replayed(b), numbers{});
  phoenix_client again{s, s->daemon_key()};
  CAF_REQUIRE(again.joined(topic, wants({{"since", 0}})));
  CAF_CHECK_EQUAL(replayed(again), (numbers{1, 2}));
}

CAF_TEST(the log is bounded by messages and bytes and channels and age) {
  replay_limits how;
  how.channel_bytes = 100;
  how.bytes = 150;
  how.channels = 3;
  how.age = 1s;
  replay_log log{how};
  const auto all = [&](const std::string& name, std::int64_t now = 0) {
    return sizes(log.since(name, side::unknown, {-10'000, 25}, now));
  };
  log.keep("a", side::unknown, text(std::string(101, 'x')), {}, 0);
  CAF_CHECK_EQUAL(log.channels(), 0u);
  log.keep("a", side::unknown, text(std::string(60, 'x')), {}, 0);
  log.keep("a", side::unknown, text(std::string(50, 'x')), {}, 0);
  CAF_CHECK_EQUAL(all("a"), (numbers{50}));
  log.keep("b", side::unknown, text(std::string(90, 'x')), {}, 0);
  CAF_CHECK_EQUAL(log.bytes(), 140u);
  log.keep("a", side::unknown, text(std::string(5, 'x')), {}, 0);
  log.keep("c", side::unknown, text(std::string(20, 'x')), {}, 500); // b was silent for longest
  CAF_CHECK_EQUAL(all("b"), numbers{});
  CAF_CHECK_EQUAL(all("a"), (numbers{50, 5}));
  log.keep("d", side::unknown, text("1"), {}, 500);
  log.keep("e", side::unknown, text("1"), {}, 500);
  CAF_CHECK_EQUAL(log.channels(), 3u);
  CAF_CHECK_EQUAL(all("a"), numbers{});
  CAF_CHECK_EQUAL(all("c", 1'400), (numbers{20}));
  CAF_CHECK_EQUAL(all("c", 1'501), numbers{});
  log.sweep(1'500);
  CAF_CHECK_EQUAL(log.channels(), 3u);
  log.sweep(1'501);
  CAF_CHECK_EQUAL(log.channels(), 0u);
  CAF_CHECK_EQUAL(log.bytes(), 0u);
  for (int i = 1; i <= 30; ++i)
    log.keep("f", side::unknown, text(std::string(static_cast<std::size_t>(i % 3 + 1), 'x')), {},
             0);
  CAF_CHECK_EQUAL(all("f").size(), 25u);
  CAF_CHECK_EQUAL(log.since("f", side::unknown, {-1, 2}, 0).size(), 2u);
}

CAF_TEST(a window begins with its first call and ends whole) {
  window_limit limit{2, 30s};
  const call_time t{};
  CAF_CHECK(limit.take(t) && limit.take(t + 29s));
  CAF_CHECK(!limit.take(t + 29'999ms));
  CAF_CHECK(limit.take(t + 30s) && limit.take(t + 59s) && !limit.take(t + 59s));
  window_limit none{0, 30s};
  for (int i = 0; i < 100; ++i)
    CAF_CHECK(none.take(t));
}

CAF_TEST(a rate has a reserve for bursts that grows again) {
  const call_time t{};
  rate_limit limit{2, 5s, t};
  for (int i = 0; i < 10; ++i)
    CAF_CHECK(limit.take(t));
  CAF_CHECK(!limit.take(t));
  CAF_CHECK(!limit.take(t + 400ms));
  CAF_CHECK(limit.take(t + 600ms) && !limit.take(t + 600ms));
  int taken = 0;
  while (limit.take(t + 1h))
    ++taken;
  CAF_CHECK_EQUAL(taken, 10);
  rate_limit none{0, 5s, t};
  for (int i = 0; i < 100; ++i)
    CAF_CHECK(none.take(t));
}

CAF_TEST(a limit of replayed messages is brought into its bounds) {
  const auto limit = [](const std::string& text) {
    const auto got
      = read_join(R"({"config":{"broadcast":{"replay":{"since":5,"limit":)" + text + "}}}}");
    return got.replay ? got.replay->limit : 0;
  };
  CAF_CHECK_EQUAL(limit("7"), 7u);
  CAF_CHECK_EQUAL(limit("0"), 1u);
  CAF_CHECK_EQUAL(limit("-3"), 1u);
  CAF_CHECK_EQUAL(limit("1000"), 25u);
  CAF_CHECK_EQUAL(limit("null"), 25u);
  CAF_CHECK_EQUAL(limit("true"), 0u);
}
