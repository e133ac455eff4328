// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE command

#include "messages/command.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;
using nlohmann::json;

CAF_TEST(the four original messages decode) {
  for (const char* text :
       {R"({"type":"fs.read","id":"req_1","path":"/workspace/main.py"})",
        R"({"type":"fs.write","id":"req_2","path":"/workspace/main.py","content":"..."})",
        R"({"type":"fs.list","id":"req_3","path":"/workspace"})",
        R"({"type":"shell.exec","id":"req_4","cmd":"python main.py","timeout":30})"}) {
    auto got = decode_command(json::parse(text));
    CAF_REQUIRE(got.has_value());
    CAF_CHECK_EQUAL(std::string{to_string(got->kind)}, got->body["type"].get<std::string>());
    CAF_CHECK(got->anonymous());
    CAF_CHECK(!got->ack && !got->stream);
  }
}

CAF_TEST(a wrong envelope names its field and the id can still be read) {
  struct row {
    const char* text;
    errc code;
    const char* word;
  };
  for (auto [text, code, word] : {
         row{R"([1])", errc::invalid_request, "object"},
         row{R"({"id":"a"})", errc::invalid_request, "type"},
         row{R"({"type":"fs.read"})", errc::invalid_request, "id"},
         row{R"({"type":"fs.read","id":7})", errc::invalid_request, "id"},
         row{R"({"type":"fs.read","id":""})", errc::invalid_request, "id"},
         row{R"({"type":"fs.read","id":"a","ack":1})", errc::invalid_request, "ack"},
         row{R"({"type":"fs.read","id":"a","attempt":0})", errc::invalid_request, "attempt"},
         row{R"({"type":"fs.read","id":"a","deadline_ms":"x"})", errc::invalid_request, "deadline"},
         row{R"({"type":"fs.format","id":"a"})", errc::unsupported, "type"},
       }) {
    auto got = decode_command(json::parse(text));
    CAF_REQUIRE(!got.has_value());
    CAF_CHECK(got.error().code == code);
    CAF_CHECK(got.error().detail.find(word) != std::string::npos);
  }
  CAF_CHECK_EQUAL(command_id(json::parse(R"({"type":7,"id":"a"})")), "a");
  CAF_CHECK_EQUAL(command_id(json::parse(R"("a")")), "");
}

CAF_TEST(a resend has the same canonical form and another command has not ) {
  auto first = json::parse(R"({"type":"fs.read","id":"a","path":"x"})");
  auto again = json::parse(
    R"({"path":"x","attempt":2,"ack":true,"stream":true,"auth":{"mac":"m"},"id":"a","type":"fs.read"})");
  auto other = json::parse(R"({"type":"fs.read","id":"a","path":"y"})");
  CAF_CHECK_EQUAL(canonical_command(first), canonical_command(again));
  CAF_CHECK_NOT_EQUAL(canonical_command(first), canonical_command(other));
}

CAF_TEST(a batch has an effect when one of its items has) {
  auto reads = decode_command(
    json::parse(R"({"type":"batch","id":"b","items":[{"type":"fs.read","path":"x"}]})"));
  auto writes = decode_command(
    json::parse(R"({"type":"batch","id":"b","items":[7,{"type":"fs.read"},{"type":"fs.write"}]})"));
  CAF_CHECK(!has_effect(*reads));
  CAF_CHECK(has_effect(*writes));
}

CAF_TEST(results keep the original shape) {
  command_outcome fine;
  fine.fields = {{"stdout", "Hello\n"}, {"stderr", ""}, {"exit_code", 0}};
  CAF_CHECK(
    result_message("req_4", fine)
    == json::parse(
      R"({"type":"result","id":"req_4","ok":true,"stdout":"Hello\n","stderr":"","exit_code":0})"));
  CAF_CHECK(result_message("req_4", {errc::timeout, "", json::object(), {}})
            == json::parse(R"({"type":"result","id":"req_4","ok":false,"error":"timeout"})"));
}

CAF_TEST(bytes that are no text become base64) {
  json fields = json::object();
  put_bytes(fields, "content", "gr\xc3\xbc\xc3\x9f");
  put_bytes(fields, "stdout", "\xff\x00\x01");
  CAF_CHECK(!fields.contains("encoding"));
  CAF_CHECK_EQUAL(fields["stdout_encoding"], "base64");
  std::string all;
  for (int i = 0; i < 256; ++i) {
    CAF_CHECK(from_base64(to_base64(all)).value() == all);
    all += static_cast<char>(i);
  }
  for (const char* bad : {"a", "ab==x", "====", "QQ=", "QR==", "Q\nQ="})
    CAF_CHECK(!from_base64(bad).has_value());
  for (const char* bad : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"})
    CAF_CHECK(!is_utf8(bad));
  CAF_CHECK(is_utf8("\xf0\x9f\x98\x80 \xed\x9f\xbf"));
}

CAF_TEST(a fetch names its stream where all else says whether it wants one) {
  auto fetch
    = decode_command(json::parse(R"({"type":"fetch","id":"1","target":"2","stream":"stdout"})"));
  CAF_REQUIRE(fetch.has_value());
  CAF_CHECK(!fetch->stream);
  CAF_CHECK(
    !decode_command(json::parse(R"({"type":"fs.read","id":"1","stream":"stdout"})")).has_value());
}

CAF_TEST(a release needs no id and all else does) {
  auto release = decode_command(json::parse(R"({"type":"release","ids":["a"]})"));
  CAF_REQUIRE(release.has_value());
  CAF_CHECK(release->id.empty());
  CAF_CHECK(!decode_command(json::parse(R"({"type":"query","ids":["a"]})")).has_value());
  CAF_CHECK(!decode_command(json::parse(R"({"type":"release","id":7,"ids":["a"]})")).has_value());
}
