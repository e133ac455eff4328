// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE realtime_machine

// Each complaint of users about Realtime clients (reference notes, section 6) as a test, and the
// rules that follow from them.

#include "realtime_world.hpp"

#include <caf/all.hpp>
#include <caf/test/unit_test.hpp>

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
  constexpr std::string_view digits
    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const auto claims
    = R"({"role":"authenticated","exp":)"
      + std::to_string(
        std::chrono::duration_cast<std::chrono::seconds>(exp.time_since_epoch()).count())
      + "}";
  std::string body;
  for (std::size_t i = 0; i < claims.size(); i += 3) {
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (i + k < claims.size() ? static_cast<unsigned char>(claims[i + k]) : 0u);
    for (std::size_t k = 0; k < 4 && i + k <= claims.size(); ++k)
      body += digits[bits >> (18 - 6 * k) & 63u];
  }
  return "eyJhbGciOiJIUzI1NiJ9." + body + ".c2ln";
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

CAF_TEST(it is up only when joined and tracked) { // 11
  realtime_world w;
  w.tell(set_meta{{{"role", "sandbox"}, {"id", "sbx-7"}}});
  w.begin();
  w.open();
  CAF_CHECK_EQUAL(w.count("presence"), 0u);
  w.accept_join();
  CAF_CHECK_EQUAL(w.count("presence"), 1u);
  const auto payload = payload_of(*w.last("presence"));
  CAF_CHECK_EQUAL(payload["event"], "track");
  CAF_CHECK_EQUAL(payload["payload"]["id"], "sbx-7");
  CAF_CHECK_EQUAL(w.ups, 1);
  w.live(300s);
  CAF_CHECK_EQUAL(w.count("presence"), 1u); // once a join
}

CAF_TEST(presence changes are paced below the limit of five in thirty seconds) { // 15
  realtime_world w;
  w.join();
  for (int i = 0; i < 60; ++i) {
    w.tell(set_meta{{{"role", "sandbox"}, {"n", i}}});
    w.live(500ms);
  }
  CAF_CHECK(w.count("presence") <= 4u);
  w.live(10s);
  CAF_CHECK_EQUAL(payload_of(*w.last("presence")).at("payload").value("n", 0), 59);
}

CAF_TEST(nothing is sent before the join and nothing is kept after it) { // 13 and 14
  realtime_world w;
  w.begin();
  w.open();
  w.send_text("{}");
  CAF_CHECK_EQUAL(w.count("broadcast"), 0u);
  w.accept_join();
  CAF_CHECK_EQUAL(w.count("broadcast"), 0u);
  w.send_text(R"({"id":"a"})");
  CAF_REQUIRE_EQUAL(w.count("broadcast"), 1u);
  CAF_CHECK_EQUAL(
    payload_of(*w.last("broadcast")),
    nlohmann::json::parse(R"({"type":"broadcast","event":"result","payload":{"id":"a"}})"));
  CAF_CHECK(w.last("broadcast")->join_ref == w.last("phx_join")->ref); // 16
}

CAF_TEST(sends are paced and the queue dies with the join) { // 14
  realtime_world w;
  w.p.limits.messages_per_second = 10;
  w.join();
  for (int i = 0; i < 50; ++i)
    w.send_text("{}");
  CAF_CHECK_EQUAL(w.count("broadcast"), 10u); // one second's worth
  w.live(1s);
  CAF_CHECK_EQUAL(w.count("broadcast"), 20u);
  w.live(2s);
  CAF_CHECK_EQUAL(w.count("broadcast"), 40u);
  w.lost();
  CAF_CHECK_EQUAL(w.s.outbox.size(), 0u);
  CAF_CHECK_EQUAL(w.s.outbox_bytes, 0u);
  w.pass(1s);
  w.open();
  w.accept_join();
  w.live(5s);
  CAF_CHECK_EQUAL(w.count("broadcast"), 0u);
}

CAF_TEST(without a limit nothing waits) { // 14
  realtime_world w;
  w.p.limits.messages_per_second = 0;
  w.join();
  for (int i = 0; i < 1000; ++i)
    w.send_text("{}");
  CAF_CHECK_EQUAL(w.count("broadcast"), 1000u);
}

CAF_TEST(sizes are checked as the server counts them) { // 14
  link::link_limits limits{1000, 0};
  CAF_CHECK(fits(R"({"a":1})", limits));
  CAF_CHECK(fits("\"" + std::string(980, 'x') + "\"", limits));
  CAF_CHECK(!fits("\"" + std::string(1000, 'x') + "\"", limits));
  std::string many = "[\"\"";
  for (int i = 0; i < 300; ++i)
    many += ",\"\"";
  CAF_CHECK(many.size() < 1000);
  CAF_CHECK(!fits(many + "]", limits)); // 300 strings of five bytes each
  CAF_CHECK(!fits(std::string(900, '['), limits));
}

CAF_TEST(an unsolicited close is answered by a rejoin that fits its reason) { // 17
  struct row {
    const char* message;
    milliseconds not_before;
    milliseconds at_most;
  };
  for (const auto& one : std::vector<row>{
         {"", 900ms, 1'100ms},
         {"Token has expired 3 seconds ago", 900ms, 1'100ms},
         {"Too many messages per second", 60s, 71s},
         {"Too many presence messages per second", 60s, 71s},
         {"Client presence rate limit exceeded", 60s, 71s},
         {"Track message size exceeded", 60s, 71s},
         {"You do not have permissions to read from this Channel topic: sandbox:s1", 60s, 71s},
         {"You no longer have permission to read from this topic", 60s, 71s},
         {"Fields `role` and `exp` are required in JWT", 60s, 71s},
         {"Realtime was unable to connect to the project database", 900ms, 1'100ms}}) {
    realtime_world w;
    w.p.fetches_token = true;
    w.join();
    w.live(20s);
    w.close_channel(one.message);
    CAF_CHECK(!w.is_joined());
    CAF_REQUIRE_EQUAL(w.downs.size(), 1u);
    w.live(one.not_before);
    CAF_CHECK_EQUAL(w.fetches, 1);
    w.live(one.at_most - one.not_before);
    CAF_CHECK_EQUAL(w.fetches, 2); // a fresh token each time
    w.token("t2");
    CAF_CHECK_EQUAL(w.count("phx_join"), 2u);
    w.accept_join();
    CAF_CHECK_EQUAL(w.ups, 2);
    CAF_CHECK_EQUAL(w.connects, 1);
  }
}

CAF_TEST(a forgotten channel is joined anew) { // 16
  realtime_world w;
  w.join();
  w.send_text("{}");
  w.reply(*w.last("broadcast")->ref,
          R"({"status":"error","response":{"reason":"unmatched topic"}})", false);
  CAF_CHECK(!w.is_joined());
  w.live(1s);
  CAF_CHECK_EQUAL(w.count("phx_join"), 2u);
}

CAF_TEST(refused broadcasts are told and change nothing) {
  for (const auto* answer : {R"("payload_size_exceeded")", R"({"error":"payload_size_exceeded"})",
                             R"({"reason":"payload_size_exceeded"})"}) {
    realtime_world w;
    w.join();
    w.send_text("{}");
    w.reply(*w.last("broadcast")->ref,
            std::string{R"({"status":"error","response":)"} + answer + "}");
    CAF_CHECK(w.is_joined());
    CAF_REQUIRE_EQUAL(w.reports.size(), 1u);
    CAF_CHECK_EQUAL(w.reports[0].detail, "payload_size_exceeded");
  }
}

CAF_TEST(missing write access shows as silence and is told once) {
  realtime_world w;
  w.join();
  for (int i = 0; i < 10; ++i) {
    w.send_text("{}");
    w.live(5s);
  }
  CAF_CHECK(w.is_joined());
  CAF_CHECK_EQUAL(std::count_if(w.reports.begin(), w.reports.end(),
                                [](const report& r) { return r.event == "unanswered"; }),
                  1);
}

CAF_TEST(close leaves with the last words and hears nothing more) {
  realtime_world w;
  w.p.limits.messages_per_second = 1;
  w.join();
  for (int i = 0; i < 5; ++i)
    w.send_text("{}");
  w.tell(link::realtime::close{});
  CAF_CHECK_EQUAL(w.count("broadcast"), 5u);
  CAF_REQUIRE_EQUAL(w.count("phx_leave"), 1u);
  CAF_CHECK(!w.done);
  w.reply(*w.last("phx_leave")->ref, R"({"status":"ok","response":{}})");
  CAF_CHECK(w.done);
  CAF_CHECK_EQUAL(w.closes.size(), 1u);
  CAF_CHECK(w.downs.empty());
  CAF_CHECK(!w.armed);
  w.tell(tick{});
  w.lost();
  CAF_CHECK_EQUAL(w.connects, 1);
}

CAF_TEST(close does not wait for a server that is silent) {
  realtime_world w;
  w.join();
  w.tell(link::realtime::close{});
  w.pass(1s);
  CAF_CHECK(w.done);
  realtime_world other;
  other.begin();
  other.tell(link::realtime::close{});
  CAF_CHECK(other.done);
  CAF_CHECK_EQUAL(other.closes.size(), 1u); // the attempt is given up
}

CAF_TEST(both versions and all binary kinds are heard) {
  realtime_world w;
  w.join();
  w.server(R"({"topic":"realtime:sandbox:s1","event":"broadcast","payload":)"
           R"({"type":"broadcast","event":"cmd","payload":{"id":"v1"}},"ref":null})");
  w.push("broadcast", R"({"type":"broadcast","event":"cmd","payload":{"id":"v2"},)"
                      R"("meta":{"id":"m-1","replayed":true}})");
  phoenix::frame kind4;
  kind4.topic = w.p.topic;
  kind4.event = "broadcast";
  kind4.user_event = "cmd";
  kind4.payload = R"({"id":"k4"})";
  const auto bytes = phoenix::encode_user_broadcast(kind4);
  CAF_REQUIRE(bytes.has_value());
  w.tell(received{w.serial, *bytes, true});
  kind4.binary = true;
  kind4.payload = "\xde\xad";
  w.tell(received{w.serial, *phoenix::encode_user_broadcast(kind4), true});
  const auto head = [](std::initializer_list<int> numbers) {
    std::string out;
    for (const int n : numbers)
      out += static_cast<char>(n);
    return out;
  };
  w.tell(received{w.serial,
                  head({2, 19, 9}) + w.p.topic + "broadcast"
                    + R"({"type":"broadcast","event":"cmd","payload":{"id":"k2"}})",
                  true});
  std::vector<std::string> payloads;
  for (const auto& one : w.got)
    payloads.push_back(one.event + " " + one.payload);
  CAF_CHECK(std::find(payloads.begin(), payloads.end(), R"(cmd {"id":"v1"})") != payloads.end());
  CAF_CHECK(std::find(payloads.begin(), payloads.end(), R"(cmd {"id":"v2"})") != payloads.end());
  CAF_CHECK(std::find(payloads.begin(), payloads.end(), R"(cmd {"id":"k4"})") != payloads.end());
  CAF_CHECK_EQUAL(w.got.size(), 3u + (payloads.size() > 3 ? 1u : 0u));
  const auto replayed
    = std::find_if(w.got.begin(), w.got.end(), [](const auto& one) { return one.replayed; });
  CAF_REQUIRE(replayed != w.got.end());
  CAF_CHECK_EQUAL(replayed->message_id, "m-1");
}

CAF_TEST(version one works as a whole) {
  realtime_world w;
  w.p.version = phoenix::version::v1;
  w.begin();
  w.open();
  const auto ref = w.join_ref();
  w.server(R"({"topic":"realtime:sandbox:s1","event":"phx_reply","payload":)"
           R"({"status":"ok","response":{"postgres_changes":[]}},"ref":")"
           + ref + "\"}");
  CAF_CHECK(w.is_joined());
  w.send_text("{}");
  CAF_CHECK(w.last("broadcast")->join_ref == ref);
  // Its phx_close names the join by ref.
  w.server(R"({"topic":"realtime:sandbox:s1","event":"phx_close","payload":{},"ref":"77"})");
  CAF_CHECK(w.is_joined());
  w.server(R"({"topic":"realtime:sandbox:s1","event":"phx_close","payload":{},"ref":")" + ref
           + "\"}");
  CAF_CHECK(!w.is_joined());
}
