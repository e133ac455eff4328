// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE phoenix_frame

#include "messages/phoenix_frame.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <nlohmann/json.hpp>

using namespace holt;
using namespace holt::phoenix;
using namespace std::string_literals;

namespace {

const std::string topic = "realtime:sandbox:s1";

std::string field_bytes(std::initializer_list<std::string_view> all) {
  std::string out;
  for (const auto one : all)
    out += static_cast<char>(one.size());
  return out;
}

// Frames as they stand in the notes on the wire (reference, section 7).
const char* const v1_client[] = {
  R"({"topic":"realtime:sandbox:s1","event":"phx_join","payload":{"config":{"broadcast":{"ack":true,"self":false},"presence":{"enabled":true,"key":"sbx-7"},"postgres_changes":[],"private":false},"access_token":"<jwt>"},"ref":"1","join_ref":"1"})",
  R"({"topic":"realtime:sandbox:s1","event":"broadcast","payload":{"type":"broadcast","event":"result","payload":{"type":"result","id":"req_4","ok":true,"stdout":"Hello\n","stderr":"","exit_code":0}},"ref":"2","join_ref":"1"})",
  R"({"topic":"realtime:sandbox:s1","event":"phx_leave","payload":{},"ref":"9","join_ref":"1"})",
};
const char* const v1_server[] = {
  R"({"topic":"realtime:sandbox:s1","event":"phx_reply","payload":{"status":"ok","response":{"postgres_changes":[]}},"ref":"1"})",
  R"({"topic":"realtime:sandbox:s1","event":"presence_state","payload":{},"ref":null})",
  R"({"topic":"realtime:sandbox:s1","event":"broadcast","payload":{"type":"broadcast","event":"cmd","payload":{"type":"shell.exec","id":"req_4","cmd":"python main.py","timeout":30}},"ref":null})",
  R"({"topic":"phoenix","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":null})",
  R"({"topic":"realtime:sandbox:s1","event":"presence_diff","payload":{"joins":{"ag-1":{"metas":[{"phx_ref":"r-000012","role":"agent"}]}},"leaves":{}},"ref":null})",
  R"({"topic":"realtime:sandbox:s1","event":"phx_reply","payload":{"status":"error","response":{"reason":"Unauthorized: You do not have permissions to read from this Channel topic: sandbox:s1"}},"ref":"1"})",
  R"({"topic":"realtime:sandbox:s1","event":"system","payload":{"extension":"system","status":"error","message":"Too many messages per second","channel":"sandbox:s1"},"ref":null})",
};
const char* const v2_both[] = {
  R"(["1","1","realtime:sandbox:s1","phx_join",{"config":{"broadcast":{"ack":true,"self":false},"presence":{"enabled":true,"key":"sbx-7"},"postgres_changes":[],"private":true},"access_token":"<jwt>"}])",
  R"(["1","1","realtime:sandbox:s1","phx_reply",{"status":"ok","response":{"postgres_changes":[]}}])",
  R"(["1",null,"realtime:sandbox:s1","presence_state",{"ag-1":{"metas":[{"phx_ref":"r-000012","role":"agent"}]}}])",
  R"(["1","2","realtime:sandbox:s1","presence",{"type":"presence","event":"track","payload":{"role":"sandbox","boot":"b1"}}])",
  R"([null,null,"realtime:sandbox:s1","presence_diff",{"joins":{"sbx-7":{"metas":[{"phx_ref":"r-000013","role":"sandbox","boot":"b1"}]}},"leaves":{}}])",
  R"([null,null,"realtime:sandbox:s1","broadcast",{"type":"broadcast","event":"cmd","payload":{"type":"fs.read","id":"req_1","path":"/workspace/main.py"}}])",
  R"([null,"4","phoenix","heartbeat",{}])",
  R"([null,"4","phoenix","phx_reply",{"status":"ok","response":{}}])",
  R"(["1","5","realtime:sandbox:s1","access_token",{"access_token":"<new jwt>"}])",
  R"([null,null,"realtime:sandbox:s1","broadcast",{"type":"broadcast","event":"cmd","payload":{"type":"fs.list","id":"req_3","path":"/workspace"},"meta":{"id":"5f1c0d2e-0000-4000-8000-000000000001","replayed":true}}])",
  R"(["1",null,"realtime:sandbox:s1","system",{"extension":"system","status":"error","message":"Token has expired 3 seconds ago","channel":"sandbox:s1"}])",
  R"(["1","1","realtime:sandbox:s1","phx_close",{}])",
  R"([null,"7","room:x","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}])",
};

} // namespace

CAF_TEST(the frames of the notes are read and written byte for byte) {
  for (const std::string text : v1_client)
    CAF_CHECK_EQUAL(encode_client_text(version::v1, decode_text(version::v1, text).value()), text);
  for (const std::string text : v1_server)
    CAF_CHECK_EQUAL(encode_server_text(version::v1, decode_text(version::v1, text).value()), text);
  for (const std::string text : v2_both) {
    const auto got = decode_text(version::v2, text).value();
    CAF_CHECK_EQUAL(encode_server_text(version::v2, got), text);
    CAF_CHECK_EQUAL(encode_client_text(version::v2, got), text);
  }
}

CAF_TEST(the heartbeat of the Python client is read) {
  const auto got = decode_text(
    version::v1,
    R"({"event":"heartbeat","payload":{},"topic":"phoenix","ref":null,"join_ref":null})");
  CAF_REQUIRE(got.has_value());
  CAF_CHECK_EQUAL(got->topic, "phoenix");
  CAF_CHECK_EQUAL(got->event, "heartbeat");
  CAF_CHECK(!got->ref && !got->join_ref);
}

CAF_TEST(what is no frame is refused) {
  for (const char* text : {"", "{}", "[]", "null", R"({"topic":"t","event":"e","payload":{}})",
                           R"({"topic":"t","event":"e","ref":null})",
                           R"({"topic":1,"event":"e","payload":{},"ref":null})",
                           R"({"topic":"t","event":"e","payload":{},"ref":{}})",
                           R"({"topic":"t","event":"e","payload":{},"ref":null)",
                           R"({"topic":"t","event":"e","payload":{},"ref":null}})"})
    CAF_CHECK(decode_text(version::v1, text).has_error());
  for (const char* text : {"", "{}", "[]", R"(["1","1","t","e"])", R"(["1","1","t","e",{},1])",
                           R"(["1","1",null,"e",{}])", R"([[],"1","t","e",{}])",
                           R"(["1","1","t","e",{}]x)", R"(["1","1","t","e",{})"})
    CAF_CHECK(decode_text(version::v2, text).has_error());
}

CAF_TEST(the versions have names) {
  CAF_CHECK(version_from(std::nullopt) == version::v1);
  CAF_CHECK(version_from("1.0.0") == version::v1);
  CAF_CHECK(version_from("2.0.0") == version::v2);
  CAF_CHECK(!version_from("3.0.0"));
  CAF_CHECK(!version_from(""));
}

CAF_TEST(a binary broadcast of the notes is read) {
  const auto json = R"({"type":"fs.list","id":"req_3","path":"/workspace"})"s;
  const auto bytes = "\x03\x01\x01\x13\x03\x00\x01"s + "11" + topic + "cmd" + json;
  CAF_CHECK_EQUAL(bytes.size(), 82u);
  const auto got = decode_client_binary(bytes);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK_EQUAL(got->join_ref.value_or(""), "1");
  CAF_CHECK_EQUAL(got->topic, topic);
  CAF_CHECK_EQUAL(got->event, "broadcast");
  CAF_CHECK_EQUAL(got->user_event.value_or(""), "cmd");
  CAF_CHECK_EQUAL(got->payload, json);
  CAF_CHECK(!got->binary);
  CAF_CHECK_EQUAL(encode_user_push(*got).value(), bytes);

  const auto blob = "\x03\x01\x01\x13\x04\x00\x00"s + "13" + topic + "blob" + "\xde\xad";
  CAF_CHECK_EQUAL(blob.size(), 34u);
  const auto raw = decode_client_binary(blob);
  CAF_REQUIRE(raw.has_value());
  CAF_CHECK(raw->binary);
  CAF_CHECK_EQUAL(raw->payload, "\xde\xad");
  CAF_CHECK_EQUAL(encode_user_push(*raw).value(), blob);
}

CAF_TEST(a binary broadcast to a client is read and written) {
  const auto json = R"({"type":"result","id":"req_2","ok":true})"s;
  const auto bytes = "\x04\x13\x06\x00\x01"s + topic + "result" + json;
  CAF_CHECK_EQUAL(bytes.size(), 70u);
  const auto got = decode_server_binary(bytes);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK_EQUAL(encode_user_broadcast(*got).value(), bytes);

  const auto meta = R"({"id":"5f1c0d2e-0000-4000-8000-000000000001","replayed":true})"s;
  const auto replay
    = "\x04\x13\x06"s + static_cast<char>(meta.size()) + "\x01" + topic + "result" + meta + "{}";
  const auto again = decode_server_binary(replay);
  CAF_REQUIRE(again.has_value());
  const auto message = user_message_of(*again);
  CAF_REQUIRE(message.has_value());
  CAF_CHECK_EQUAL(message->event, "result");
  CAF_CHECK_EQUAL(message->id, "5f1c0d2e-0000-4000-8000-000000000001");
  CAF_CHECK(message->replayed);
}

CAF_TEST(the binary kinds of Phoenix itself are read) {
  const auto push = "\x00"s + field_bytes({"1", "2", topic, "ev"}) + "12" + topic + "ev" + "data";
  const auto got = decode_client_binary(push);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK_EQUAL(got->event, "ev");
  CAF_CHECK_EQUAL(got->payload, "data");
  CAF_CHECK(got->binary);

  const auto reply = "\x01"s + field_bytes({"1", "2", topic, "ok"}) + "12" + topic + "ok" + "{}";
  const auto answered = decode_server_binary(reply);
  CAF_REQUIRE(answered.has_value());
  CAF_CHECK_EQUAL(answered->event, "phx_reply");
  CAF_CHECK_EQUAL(answered->payload, R"({"status":"ok","response":{}})");

  const auto broadcast = "\x02"s + field_bytes({topic, "ev"}) + topic + "ev" + "\x01";
  const auto heard = decode_server_binary(broadcast);
  CAF_REQUIRE(heard.has_value());
  CAF_CHECK_EQUAL(heard->topic, topic);
  CAF_CHECK_EQUAL(heard->payload, "\x01");
}

CAF_TEST(binary garbage is refused) {
  for (const std::string& bytes :
       {""s, "\x09"s, "\x03"s, "\x03\x01\x01\x13\x03\x00\x01"s, "\x03\x00\x00\x00\x00\x00\x02"s,
        "\x03\x00\x00\x00\x00\x00\x01{"s, "\x03\x00\x00\x00\x00\x00\x01"s, "\x00\x00\x00\x00"s,
        "\x03\x00\x00\x00\x00\x02\x01[]{}"s, "\x00\x01\x00\x00\x00\xFF"s})
    CAF_CHECK(decode_client_binary(bytes).has_error());
  for (const std::string& bytes : {""s, "\x03\x00\x00\x00\x00\x00\x01{}"s, "\x04\x00\x00\x00"s,
                                   "\x04\x00\x00\x00\x01"s, "\x01\xFF\x00\x00\x00"s})
    CAF_CHECK(decode_server_binary(bytes).has_error());
  CAF_CHECK(decode_client_binary("\x00\x00\x00\x00\x00"s).has_value());
}

CAF_TEST(a field above 255 bytes has no binary frame) {
  frame what;
  what.topic = std::string(256, 't');
  what.user_event = "e";
  CAF_CHECK(encode_user_broadcast(what).error().code == errc::payload_too_large);
  what.topic = std::string(255, 't');
  const auto bytes = encode_user_broadcast(what);
  CAF_REQUIRE(bytes.has_value());
  const auto back = decode_server_binary(*bytes);
  CAF_REQUIRE(back.has_value());
  CAF_CHECK_EQUAL(back->topic, what.topic);
}

CAF_TEST(a broadcast is taken apart and put together) {
  frame text;
  text.payload = R"({"type":"broadcast","event":"cmd","payload":[1,"é"],"meta":{"id":"x"}})";
  const auto got = user_message_of(text);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK_EQUAL(got->event, "cmd");
  CAF_CHECK_EQUAL(got->payload, R"([1,"é"])");
  CAF_CHECK_EQUAL(got->id, "x");
  CAF_CHECK_EQUAL(broadcast_payload(*got), text.payload);

  user_message replay{"cmd", "{}", false, "i", true};
  CAF_CHECK_EQUAL(
    broadcast_payload(replay),
    R"({"type":"broadcast","event":"cmd","payload":{},"meta":{"id":"i","replayed":true}})");
  for (const char* payload : {"{}", "[]", R"({"event":1})", R"({"payload":{}})"}) {
    text.payload = payload;
    CAF_CHECK(user_message_of(text).has_error());
  }
}
