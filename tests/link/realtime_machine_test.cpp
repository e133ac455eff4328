// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE realtime_machine

// Each complaint of users about Realtime clients (reference notes, section 6) as a test, and the
// rules that follow from them.

#include "realtime_world.hpp"
#include "transport/digest.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;
using namespace holt::test;

namespace {

nlohmann::json payload_of(const phoenix::frame& f) {
  return nlohmann::json::parse(f.payload);
}

/// By value: CAF's checks keep references.
std::string token_in(const phoenix::frame& f) {
  return payload_of(f).value("access_token", "");
}

/// A JWT that ends at `exp`; its signature is never looked at.
std::string jwt(wall_time exp) {
  const auto seconds
    = std::chrono::duration_cast<std::chrono::seconds>(exp.time_since_epoch()).count();
  return "eyJhbGciOiJIUzI1NiJ9."
         + to_base64url(R"({"role":"authenticated","exp":)" + std::to_string(seconds) + "}")
         + ".c2ln";
}

} // namespace

CAF_TEST(it connects at once and joins with everything the server wants) {
  realtime_world w;
  w.begin();
  CAF_CHECK_EQUAL(w.connects, 1);
  w.open();
  const auto* join = w.last("phx_join");
  CAF_REQUIRE(join != nullptr);
  CAF_CHECK_EQUAL(join->topic, "realtime:sandbox:s1");
  CAF_CHECK(join->join_ref == join->ref);
  const auto payload = payload_of(*join);
  CAF_CHECK_EQUAL(payload["access_token"], "fixed");
  CAF_CHECK_EQUAL(payload["config"]["presence"]["enabled"], true);
  CAF_CHECK_EQUAL(payload["config"]["presence"]["key"], "sbx-7");
  CAF_CHECK_EQUAL(payload["config"]["broadcast"]["self"], false);
  CAF_CHECK(payload["config"]["postgres_changes"].is_array());
  CAF_CHECK_EQUAL(payload["config"]["private"], false);
  CAF_CHECK_EQUAL(w.ups, 0);
  w.accept_join();
  CAF_CHECK_EQUAL(w.ups, 1);
  CAF_CHECK(w.downs.empty());
}

CAF_TEST(after sleep a probe decides within three seconds) { // 1
  realtime_world w;
  w.join();
  w.live(1s);
  const auto beats = w.count("heartbeat");
  w.sleep(1h);
  w.live(5s); // the look at the clocks finds it
  CAF_CHECK_EQUAL(w.count("heartbeat"), beats + 1);
  CAF_CHECK(w.is_joined());
  w.sleep(1h);
  w.pass(5s);
  w.pass(3s);
  CAF_CHECK(!w.is_joined());
  CAF_REQUIRE_EQUAL(w.downs.size(), 1u);
  CAF_CHECK_EQUAL(w.closes.size(), 1u);
}

CAF_TEST(a process that was stopped probes instead of giving up) { // 1
  realtime_world w;
  w.join();
  w.pass(20s); // a heartbeat goes out
  w.move_to(w.t.now + 300s);
  w.tell(tick{});
  CAF_CHECK(w.is_joined());
  w.answer_beat();
  w.live(60s);
  CAF_CHECK(w.is_joined());
  CAF_CHECK_EQUAL(w.connects, 1);
}

CAF_TEST(sleep while it waits to reconnect ends the wait) { // 1
  realtime_world w;
  w.begin();
  for (int i = 0; i < 6; ++i) {
    w.tell(connect_failed{w.serial, {failure::retry, {errc::io, "no route"}}});
    w.until_next_connect(11s);
  }
  w.tell(connect_failed{w.serial, {failure::retry, {errc::io, "no route"}}});
  const auto before = w.connects;
  w.sleep(1h);
  w.tell(tick{});
  CAF_CHECK_EQUAL(w.connects, before + 1);
}

CAF_TEST(every join fetches its token and none is kept from before) { // 2 and 3
  realtime_world w;
  w.p.fetches_token = true;
  w.begin();
  CAF_CHECK_EQUAL(w.fetches, 1);
  CAF_CHECK_EQUAL(w.connects, 0); // in the connect path itself
  w.token("t1");
  w.open();
  CAF_CHECK_EQUAL(token_in(*w.last("phx_join")), "t1");
  w.accept_join();
  w.lost();
  w.pass(1s);
  CAF_CHECK_EQUAL(w.fetches, 2);
  CAF_CHECK_EQUAL(w.connects, 1);
  w.token("t2");
  w.open();
  CAF_CHECK_EQUAL(token_in(*w.last("phx_join")), "t2");
  w.accept_join();
  w.push("phx_error", "{}", "\"1\"");
  w.pass(2s);
  CAF_CHECK_EQUAL(w.fetches, 3);
  w.token("t3");
  CAF_CHECK_EQUAL(token_in(*w.last("phx_join")), "t3");
}

CAF_TEST(a token is renewed before it ends and told to the channel) { // 3
  realtime_world w;
  w.p.fetches_token = true;
  w.begin();
  w.token(jwt(w.t.wall + 1h));
  w.open();
  w.accept_join();
  w.live(58min);
  CAF_CHECK_EQUAL(w.fetches, 1);
  w.live(65s);
  CAF_CHECK_EQUAL(w.fetches, 2);
  const auto next = jwt(w.t.wall + 2h);
  w.token(next);
  CAF_REQUIRE(w.last("access_token") != nullptr);
  CAF_CHECK_EQUAL(token_in(*w.last("access_token")), next);
  CAF_CHECK(w.last("access_token")->join_ref == w.last("phx_join")->ref);
  CAF_CHECK(w.is_joined());
  w.live(1h);
  CAF_CHECK_EQUAL(w.fetches, 2);
}

CAF_TEST(a token command that fails is told and tried again) { // 2
  realtime_world w;
  w.p.fetches_token = true;
  w.begin();
  w.tell(token_failed{w.fetch, {errc::config, "link.token_command printed nothing."}});
  CAF_REQUIRE_EQUAL(w.downs.size(), 1u);
  CAF_CHECK_EQUAL(w.downs[0].why.code, errc::config);
  w.pass(1s);
  CAF_CHECK_EQUAL(w.fetches, 2);
  w.pass(21s); // this one never answers
  CAF_REQUIRE_EQUAL(w.downs.size(), 2u);
  CAF_CHECK_EQUAL(w.downs[1].why.code, errc::timeout);
  w.pass(10s);
  CAF_CHECK(w.fetches >= 3);
  CAF_CHECK_EQUAL(w.connects, 0);
}

CAF_TEST(never two joins are in flight) { // 4
  realtime_world w;
  w.begin();
  w.open();
  CAF_CHECK_EQUAL(w.count("phx_join"), 1u);
  w.push("phx_error", "{}", "\"1\"");
  w.push("phx_error", "{}", "\"1\"");
  w.push("phx_close", "{}", "\"1\"");
  w.pass(1s);
  CAF_CHECK_EQUAL(w.count("phx_join"), 2u);
  w.pass(11s);
  CAF_CHECK_EQUAL(w.count("phx_join"), 2u);
}

CAF_TEST(what is about an older join is ignored) { // 5
  realtime_world w;
  w.join();
  const auto old = w.join_ref();
  w.push("phx_error", "{}", "\"" + old + "\"");
  w.pass(1s);
  CAF_CHECK(w.join_ref() != old);
  CAF_CHECK_EQUAL(w.count("phx_leave"), 0u); // never leave and join back to back
  w.push("phx_close", "{}", "\"" + old + "\"");
  w.server("[\"" + old + "\",\"" + old + "\",\"" + w.p.topic
           + R"(","phx_reply",{"status":"error","response":{"reason":"Unauthorized: old"}}])");
  w.accept_join();
  CAF_CHECK(w.is_joined());
  w.push("phx_close", "{}", "\"" + old + "\"");
  CAF_CHECK(w.is_joined());
  // The frames of an older socket count as little.
  const auto before = w.s.dropped;
  w.tell(received{w.serial - 1, "[null,null,\"x\",\"y\",{}]", false});
  w.tell(closed{w.serial - 1, 1006, ""});
  CAF_CHECK(w.is_joined());
  CAF_CHECK_EQUAL(w.s.dropped, before);
}

CAF_TEST(a heartbeat without an answer ends the socket after ten seconds) { // 6
  realtime_world w;
  w.join();
  const auto heard = w.t.wall;
  w.pass(20s);
  const auto* beat = w.last("heartbeat");
  CAF_REQUIRE(beat != nullptr);
  CAF_CHECK(beat->ref && !beat->ref->empty());
  CAF_CHECK_EQUAL(beat->topic, "phoenix");
  w.pass(9s);
  CAF_CHECK(w.is_joined());
  w.pass(1s);
  CAF_CHECK(!w.is_joined());
  CAF_REQUIRE_EQUAL(w.downs.size(), 1u);
  CAF_CHECK(w.downs[0].since == heard); // what was sent after it may be lost
  CAF_CHECK_EQUAL(w.downs[0].why.code, errc::timeout);
}

CAF_TEST(the answer to a join stops its time limit) { // 7
  realtime_world w;
  w.begin();
  w.open();
  w.pass(11s);
  w.accept_join();
  w.live(60s);
  CAF_CHECK(w.is_joined());
  CAF_CHECK_EQUAL(w.ups, 1);
  CAF_CHECK(w.downs.empty());
}

CAF_TEST(a join without an answer is tried again and then on a new socket) { // 7
  realtime_world w;
  w.begin();
  w.open();
  w.live(11'900ms);
  CAF_CHECK(w.downs.empty());
  w.live(100ms);
  CAF_CHECK_EQUAL(w.downs.size(), 1u);
  w.live(1s);
  CAF_CHECK_EQUAL(w.count("phx_join"), 2u);
  w.live(12s);
  CAF_CHECK_EQUAL(w.closes.size(), 1u);
}

CAF_TEST(one reconnect at a time however often the end is told) { // 8
  realtime_world w;
  w.join();
  w.lost();
  w.lost();
  w.tell(connect_failed{w.serial, {failure::retry, {errc::io, "late"}}});
  w.pass(1s);
  CAF_CHECK_EQUAL(w.connects, 2);
  w.pass(10s);
  CAF_CHECK_EQUAL(w.connects, 2); // still connecting
  w.pass(2s);
  CAF_CHECK_EQUAL(w.closes.size(), 1u); // given up before the next
}

CAF_TEST(heartbeats are sent whatever the traffic and their refs die with the socket) { // 9
  realtime_world w;
  w.join();
  for (int i = 0; i < 200; ++i) {
    w.live(100ms);
    w.push("broadcast", R"({"type":"broadcast","event":"cmd","payload":{}})");
  }
  CAF_CHECK_EQUAL(w.count("heartbeat"), 1u);
  w.pass(20s); // one goes unanswered, and the socket is lost meanwhile
  w.lost();
  w.pass(1s);
  w.open();
  w.accept_join();
  w.pass(19s);
  CAF_CHECK(w.is_joined()); // the old one did not count here
}

CAF_TEST(an answer that waits behind traffic gets one more time limit) { // 9
  realtime_world w;
  w.join();
  w.pass(20s);
  w.pass(5s);
  w.push("broadcast", R"({"type":"broadcast","event":"cmd","payload":{}})");
  w.pass(6s);
  CAF_CHECK(w.is_joined());
  w.push("broadcast", R"({"type":"broadcast","event":"cmd","payload":{}})");
  w.pass(9s);
  CAF_CHECK(!w.is_joined()); // not for ever
}
