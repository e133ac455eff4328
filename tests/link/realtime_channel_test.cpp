// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE realtime_channel

// What the machine does on a channel once it is joined: presence, sends, unsolicited closes, both
// versions of the protocol. Numbers as in realtime_machine_test.

#include "realtime_world.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;
using namespace holt::test;

namespace {

nlohmann::json payload_of(const phoenix::frame& f) {
  return nlohmann::json::parse(f.payload);
}

} // namespace

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
