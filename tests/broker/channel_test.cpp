// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE channel

#include "tests/broker/broker_rig.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace rig;

namespace {

const std::string room = "realtime:room:1";

json ok(const json& response = json::object()) {
  return {{"status", "ok"}, {"response", response}};
}

json failed(const std::string& reason) {
  return {{"status", "error"}, {"response", {{"reason", reason}}}};
}

} // namespace

CAF_TEST(a join is answered and a leave is answered and closed in both versions) {
  broker_server s;
  for (const std::string vsn : {"", "1.0.0", "2.0.0"}) {
    phoenix_client c{s, s->app_key(), vsn, "/socket/websocket"};
    const auto joined = c.join(room);
    CAF_CHECK_EQUAL(joined.payload, ok({{"postgres_changes", json::array()}}));
    CAF_CHECK_EQUAL(joined.ref, "1");
    CAF_CHECK(joined.has_ref);
    c.push(room, "phx_leave", json::object(), "2", "1");
    const auto left = c.next();
    CAF_CHECK_EQUAL(left.event, "phx_reply");
    CAF_CHECK_EQUAL(left.payload, ok());
    CAF_CHECK_EQUAL(left.ref, "2");
    const auto closed = c.next();
    CAF_CHECK_EQUAL(closed.event, "phx_close");
    CAF_CHECK_EQUAL(closed.ref, "1");
    c.push(room, "phx_leave", json::object(), "3", "1");
    CAF_CHECK_EQUAL(c.next().payload, ok());
  }
  CAF_CHECK(s.settles([&] { return s->stats().members == 0 && s->stats().topics == 0; }));
}

CAF_TEST(a heartbeat is answered with its ref also when that is null) {
  broker_server s;
  phoenix_client v1{s, s->app_key(), "1.0.0"};
  v1.send_text(
    R"({"event":"heartbeat","payload":{},"topic":"phoenix","ref":null,"join_ref":null})");
  const auto beat = v1.next();
  CAF_CHECK_EQUAL(beat.topic, "phoenix");
  CAF_CHECK(beat.ref.is_null() && beat.has_ref);
  CAF_CHECK_EQUAL(beat.payload, ok());
  phoenix_client v2{s, s->app_key()};
  v2.push("phoenix", "heartbeat", json::object(), "4");
  const auto again = v2.next();
  CAF_CHECK_EQUAL(again.ref, "4");
  CAF_CHECK(again.join_ref.is_null());
}

CAF_TEST(a broadcast reaches others of both versions and not its sender) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  phoenix_client b{s, s->app_key()};
  phoenix_client c{s, s->app_key(), "1.0.0"};
  CAF_REQUIRE(a.joined(room) && b.joined(room) && c.joined(room));
  for (auto* from : {&a, &c}) {
    from->broadcast(room, "greet", {{"n", 1}, {"text", "é\n"}});
    for (auto* to : {&a, &b, &c}) {
      if (to == from)
        continue;
      const auto got = to->next();
      CAF_CHECK_EQUAL(got.event, "broadcast");
      CAF_CHECK(got.ref.is_null() && got.has_ref);
      CAF_CHECK_EQUAL(got.payload, (json{{"type", "broadcast"},
                                         {"event", "greet"},
                                         {"payload", {{"n", 1}, {"text", "é\n"}}}}));
    }
    from->settle();
    CAF_CHECK(from->skipped.empty()); // no echo and no ack
  }
}

CAF_TEST(an ack comes only when it was asked for and self hears itself when it wants) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  const json wants{{"broadcast", {{"ack", true}, {"self", "true"}}}};
  CAF_REQUIRE(a.joined(room, wants));
  a.broadcast(room, "x", json::object(), "7");
  const auto own = a.next();
  CAF_CHECK_EQUAL(own.event, "broadcast");
  const auto ack = a.next();
  CAF_CHECK_EQUAL(ack.event, "phx_reply");
  CAF_CHECK_EQUAL(ack.ref, "7");
  CAF_CHECK_EQUAL(ack.payload, ok());
}

CAF_TEST(a text broadcast is passed on as it came) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  phoenix_client b{s, s->app_key()};
  CAF_REQUIRE(a.joined(room) && b.joined(room));
  a.push(room, "broadcast", json::object());
  CAF_CHECK_EQUAL(b.next().payload, json::object());
  a.push(room, "broadcast", {{"event", "e"}, {"payload", {1, 2}}, {"more", true}});
  CAF_CHECK_EQUAL(b.next().payload, (json{{"event", "e"}, {"payload", {1, 2}}, {"more", true}}));
}

CAF_TEST(a binary push with JSON goes as text to both versions and bytes only to version 2) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  phoenix_client b{s, s->app_key()};
  phoenix_client c{s, s->app_key(), "1.0.0"};
  CAF_REQUIRE(a.joined(room) && b.joined(room) && c.joined(room));
  phoenix::frame push;
  push.topic = room;
  push.join_ref = "1";
  push.ref = "2";
  push.user_event = "blob";
  push.payload = std::string{"\xde\xad\0", 3};
  push.binary = true;
  a.send_binary(phoenix::encode_user_push(push).value());
  push.binary = false;
  push.payload = R"({"k":"v"})";
  a.send_binary(phoenix::encode_user_push(push).value());
  const auto bytes = phoenix::decode_server_binary(b.next().bytes);
  CAF_REQUIRE(bytes.has_value());
  CAF_CHECK(bytes->binary);
  CAF_CHECK_EQUAL(bytes->payload, (std::string{"\xde\xad\0", 3}));
  CAF_CHECK_EQUAL(bytes->user_event.value_or(""), "blob");
  const json text{{"type", "broadcast"}, {"event", "blob"}, {"payload", {{"k", "v"}}}};
  CAF_CHECK_EQUAL(b.next().payload, text);
  CAF_CHECK_EQUAL(c.next().payload, text);
}

CAF_TEST(JSON goes as kind 4 to version 2 when the real server is mimicked) {
  broker::broker_options how;
  how.mimic_kind4 = true;
  broker_server s{how};
  phoenix_client a{s, s->app_key()};
  phoenix_client b{s, s->app_key()};
  CAF_REQUIRE(a.joined(room) && b.joined(room));
  a.broadcast(room, "e", {{"k", 1}});
  const auto got = phoenix::decode_server_binary(b.next().bytes);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK_EQUAL(got->payload, R"({"k":1})");
}

CAF_TEST(a push to a topic that was not joined is unmatched) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  a.broadcast(room, "x", json::object(), "9");
  const auto got = a.next();
  CAF_CHECK_EQUAL(got.payload, failed("unmatched topic"));
  CAF_CHECK(got.join_ref.is_null());
  CAF_CHECK_EQUAL(a.join("room:1").payload, failed("unmatched topic"));
  CAF_CHECK(a.join("realtime:")
              .payload["response"]["reason"]
              .get<std::string>()
              .starts_with("TopicNameRequired"));
}

CAF_TEST(what is no frame is dropped and the connection stays) {
  broker_server s;
  for (const std::string vsn : {"1.0.0", "2.0.0"}) {
    phoenix_client a{s, s->app_key(), vsn};
    for (const char* text : {"", "{", "[1,2]", "null", R"({"topic":"phoenix"})", "hello"})
      a.send_text(text);
    a.send_binary("\xff\xff");
    a.push(room, "no_such_event", json::object(), "1");
    a.settle();
    CAF_REQUIRE_EQUAL(a.skipped.size(), 1u); // the unmatched topic
  }
}

CAF_TEST(filters of postgres changes are echoed with ids and their absence is said) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  const json filter{{"event", "*"}, {"schema", "public"}, {"table", "t"}};
  const auto got = a.join(room, {{"postgres_changes", {filter, filter}}});
  auto echo = got.payload["response"]["postgres_changes"];
  CAF_REQUIRE_EQUAL(echo.size(), 2u);
  CAF_CHECK(echo[0]["id"].is_number() && echo[0]["id"] != echo[1]["id"]);
  echo[0].erase("id");
  CAF_CHECK_EQUAL(echo[0], filter);
  const auto told = a.next();
  CAF_CHECK_EQUAL(told.event, "system");
  CAF_CHECK_EQUAL(told.payload["extension"], "postgres_changes");
  CAF_CHECK_EQUAL(told.payload["status"], "error");
  CAF_CHECK_EQUAL(told.payload["channel"], "room:1");
}

CAF_TEST(a second join closes the first for version 2 and never for version 1) {
  broker_server s;
  phoenix_client v2{s, s->app_key()};
  CAF_REQUIRE(v2.joined(room));
  v2.push(room, "phx_join", {{"config", json::object()}}, "5", "5");
  const auto closed = v2.next();
  CAF_CHECK_EQUAL(closed.event, "phx_close");
  CAF_CHECK_EQUAL(closed.join_ref, "1");
  CAF_CHECK_EQUAL(v2.next().event, "phx_reply");

  phoenix_client v1{s, s->app_key(), "1.0.0"};
  CAF_REQUIRE(v1.joined(room));
  v1.push(room, "phx_join", {{"config", json::object()}}, "5", "5");
  const auto reply = v1.next();
  CAF_CHECK_EQUAL(reply.event, "phx_reply");
  CAF_CHECK_EQUAL(reply.ref, "5");
  v1.settle();
  CAF_CHECK(v1.skipped.empty());
  CAF_CHECK_EQUAL(s->stats().members, 2u);
}

CAF_TEST(public and private channels of one name are two rooms) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  phoenix_client b{s, s->app_key()};
  phoenix_client c{s, s->app_key()};
  CAF_REQUIRE(a.joined(room, {{"private", true}}) && b.joined(room, {{"private", true}})
              && c.joined(room));
  a.broadcast(room, "x", json::object());
  CAF_CHECK_EQUAL(b.next().event, "broadcast");
  c.settle();
  CAF_CHECK(c.skipped.empty());
}

CAF_TEST(a payload above the limit is refused with an ack and dropped without) {
  broker::broker_options how;
  how.max_payload = 1'000;
  broker_server s{how};
  phoenix_client a{s, s->app_key()};
  phoenix_client b{s, s->app_key()};
  CAF_REQUIRE(a.joined(room, {{"broadcast", {{"ack", true}}}}) && b.joined(room));
  a.broadcast(room, "x", {{"t", std::string(2'000, 'x')}}, "3");
  const auto got = a.next();
  CAF_CHECK_EQUAL(got.payload["status"], "error");
  CAF_CHECK_EQUAL(got.payload["response"]["error"], "payload_size_exceeded");
  b.broadcast(room, "x", {{"t", std::string(2'000, 'x')}}, "3");
  b.settle();
  a.settle();
  CAF_CHECK(a.skipped.empty() && b.skipped.empty());
}

CAF_TEST(channels of a socket and members of the broker are bounded) {
  broker::broker_options how;
  how.channels_per_socket = 2;
  how.max_members = 3;
  broker_server s{how};
  phoenix_client a{s, s->app_key()};
  CAF_REQUIRE(a.joined("realtime:a") && a.joined("realtime:b"));
  const auto reason
    = [](const said& got) { return got.payload["response"].value("reason", std::string{}); };
  CAF_CHECK(reason(a.join("realtime:c")).starts_with("ChannelRateLimitReached"));
  phoenix_client b{s, s->app_key()};
  CAF_REQUIRE(b.joined("realtime:a"));
  CAF_CHECK(reason(b.join("realtime:b")).starts_with("ConnectionRateLimitReached"));
}

CAF_TEST(a socket that says too much loses the channel with the reason) {
  broker::broker_options how;
  how.messages_per_second = 2;
  broker_server s{how};
  phoenix_client a{s, s->app_key()};
  CAF_REQUIRE(a.joined(room));
  for (int i = 0; i < 30; ++i)
    a.broadcast(room, "x", json::object());
  const auto told = a.next();
  CAF_CHECK_EQUAL(told.event, "system");
  CAF_CHECK_EQUAL(told.payload["message"], "Too many messages per second");
  CAF_CHECK_EQUAL(a.next().event, "phx_close");
}

CAF_TEST(a restart closes every socket with 1012) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  phoenix_client b{s, s->app_key(), "1.0.0"};
  CAF_REQUIRE(a.joined(room) && b.joined(room));
  events done;
  s->close_all([&] { done.add("closed"); });
  CAF_CHECK_EQUAL(a.next().close, 1012u);
  CAF_CHECK_EQUAL(b.next().close, 1012u);
  a.hang_up();
  b.hang_up();
  CAF_CHECK(done.wait_for("closed"));
  CAF_CHECK(s.settles([&] { return s->stats().sockets == 0 && s->stats().members == 0; }));
}

CAF_TEST(after a restart sockets are taken again) {
  broker_server s;
  events done;
  s->close_all([&] { done.add("closed"); });
  CAF_CHECK(done.wait_for("closed"));
  s->open();
  phoenix_client a{s, s->app_key()};
  CAF_CHECK(a.joined(room));
  s->close_all([&] { done.add("closed again"); });
  CAF_CHECK_EQUAL(a.next().close, 1012u);
  a.hang_up();
  CAF_CHECK(done.wait_for("closed again"));
}

CAF_TEST(a silent socket is closed with 1012) {
  broker::broker_options how;
  how.idle_timeout = std::chrono::milliseconds{50};
  broker_server s{how};
  phoenix_client a{s, s->app_key()};
  CAF_CHECK_EQUAL(a.next().close, 1012u);
}

CAF_TEST(a slow member is closed and the others lose nothing) {
  broker_server s;
  phoenix_client sender{s, s->app_key()};
  phoenix_client slow{s, s->app_key()};
  phoenix_client quick{s, s->app_key()};
  CAF_REQUIRE(sender.joined(room) && slow.joined(room) && quick.joined(room));
  const std::string filler(800'000, 'x');
  int sent = 0;
  // Until the buffers of the kernel and then the outbox are full.
  while (s->stats().slow_closed == 0 && sent < 200) {
    sender.broadcast(room, "x", {{"n", sent}, {"text", filler}});
    CAF_REQUIRE_EQUAL(quick.next().at("/payload/n"), sent);
    ++sent;
  }
  CAF_CHECK_EQUAL(s->stats().slow_closed, 1u);
  for (const int end = sent + 5; sent < end; ++sent) {
    sender.broadcast(room, "x", {{"n", sent}});
    CAF_REQUIRE_EQUAL(quick.next().at("/payload/n"), sent);
  }
  CAF_CHECK_EQUAL(s->stats().slow_closed, 1u);
  slow.hang_up();
  CAF_CHECK(s.settles([&] { return s->stats().members == 2; }));
}

CAF_TEST(a member that tracks too often loses the channel with the reason and may join again) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  phoenix_client other{s, s->app_key()};
  CAF_REQUIRE(a.joined(room) && other.joined(room));
  const auto track = [&](int n) {
    a.push(room, "presence", {{"event", n % 2 == 0 ? "untrack" : "track"}, {"payload", {{"n", n}}}},
           "p" + std::to_string(n), "1");
    return a.next("phx_reply");
  };
  for (int n = 1; n <= 5; ++n)
    CAF_REQUIRE_EQUAL(track(n).payload, ok());
  a.settle(); // of the diffs
  a.push(room, "presence", {{"event", "track"}, {"payload", json::object()}}, "p6", "1");
  const auto told = a.next();
  CAF_CHECK_EQUAL(told.event, "system");
  CAF_CHECK_EQUAL(told.payload["status"], "error");
  CAF_CHECK_EQUAL(told.payload["message"], "Client presence rate limit exceeded");
  CAF_CHECK_EQUAL(a.next().event, "phx_close");
  // Counted for each join and each member.
  CAF_CHECK(a.joined(room));
  CAF_CHECK_EQUAL(track(1).payload, ok());
  other.push(room, "presence", {{"event", "track"}, {"payload", json::object()}}, "1", "1");
  CAF_CHECK_EQUAL(other.next("phx_reply").payload, ok());
}

CAF_TEST(presence calls are not counted when there is no limit) {
  broker::broker_options how;
  how.presence_calls = 0;
  broker_server s{how};
  phoenix_client a{s, s->app_key()};
  CAF_REQUIRE(a.joined(room));
  for (int n = 0; n < 20; ++n)
    a.push(room, "presence", {{"event", "track"}, {"payload", {{"n", n}}}}, n, "1");
  for (int n = 0; n < 20; ++n)
    CAF_REQUIRE_EQUAL(a.next("phx_reply").payload, ok());
}

CAF_TEST(a socket that joins too often is told so and closed and others are not ) {
  broker::broker_options how;
  how.joins_per_second = 1; // and so five at once
  broker_server s{how};
  phoenix_client a{s, s->app_key()};
  phoenix_client b{s, s->app_key(), "1.0.0"};
  CAF_REQUIRE(b.joined(room));
  unsigned taken = 0;
  std::string reason;
  for (int n = 0; n < 100 && reason.empty(); ++n) { // one a second comes back meanwhile
    const auto got = a.join(room);
    if (got.payload.value("status", "") == "ok")
      ++taken;
    else
      reason = got.payload["response"].value("reason", "?");
  }
  CAF_CHECK(taken >= 5);
  CAF_CHECK(reason.starts_with("ClientJoinRateLimitReached"));
  CAF_CHECK_EQUAL(a.next("no such event").close, 1012u);
  a.hang_up();
  b.settle();
  CAF_CHECK(b.joined(room));
  phoenix_client again{s, s->app_key()};
  CAF_CHECK(again.joined(room));
}
