// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE client_log

#include "client/event_stream.hpp"
#include "client/process_log.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <string>
#include <vector>

using namespace holt;
using namespace holt::client;

namespace {

std::string events_of(std::string_view bytes, std::size_t piece) {
  event_stream stream;
  std::string out;
  const auto each = [&](const server_event& one) {
    out += one.name + "|" + one.id + "|" + one.data + ";";
    return one.data != "stop";
  };
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
    if (!stream.feed(bytes.substr(0, piece), each))
      return out + "stopped";
  return out;
}

} // namespace

CAF_TEST(events are the same however the bytes come) {
  const std::string bytes = ": hello\nevent: log\nid: 7\ndata: one\ndata:two\n\n"
                            "data: three\r\n\r\ndata: four\r\rnonsense\nevent: none\n\n"
                            "data: stop\n\ndata: never\n\n";
  const std::string expected = "log|7|one\ntwo;message||three;message||four;message||stop;stopped";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece)
    CAF_REQUIRE_EQUAL(events_of(bytes, piece), expected);
}

CAF_TEST(an event that is too large is passed over) {
  event_stream stream;
  std::vector<std::string> seen;
  const auto each = [&](const server_event& one) {
    seen.push_back(one.data);
    return true;
  };
  const std::string line = "data: " + std::string(1 << 20, 'x') + "\n";
  for (std::size_t n = 0; n <= event_stream::max_event / (1 << 20); ++n)
    CAF_REQUIRE(stream.feed(line, each));
  CAF_CHECK(stream.feed("\ndata: after\n\n", each));
  CAF_CHECK(seen == std::vector<std::string>{"after"});
  CAF_CHECK_EQUAL(stream.dropped(), 1u);
}

CAF_TEST(an entry is the same from its text and from its document) {
  const std::vector<std::string> good{
    R"({"data":"aGk=","sequence":3,"stream":"stdout","timestampMs":17})",
    R"({"sequence":3,"stream":"stdout","timestampMs":17,"data":"aGk="})",
    R"( { "sequence" : 3, "data" : "a\u0047k=", "stream" : "stdout", "timestampMs" : 17 } )"};
  for (const auto& text : good) {
    const auto from_text = read_entry(std::string_view{text});
    const auto from_document = read_entry(nlohmann::json::parse(text));
    CAF_REQUIRE(from_text.has_value() && from_document.has_value());
    for (const auto* one : {&*from_text, &*from_document}) {
      CAF_CHECK_EQUAL(one->bytes, "hi");
      CAF_CHECK_EQUAL(one->sequence, 3u);
      CAF_CHECK_EQUAL(one->stream, "stdout");
      CAF_CHECK_EQUAL(one->timestamp_ms, 17);
    }
  }
}

CAF_TEST(what is no entry is told of) {
  for (const auto* text :
       {"", "{}", "[]", "7", R"({"data":"aGk=")", R"({"data":"aGk=","stream":"stdout"})",
        R"({"data":7,"sequence":3,"stream":"stdout"})",
        R"({"data":"aGk","sequence":3,"stream":"stdout"})",
        R"({"data":"aGk=","sequence":-3,"stream":"stdout"})",
        R"({"data":"aGk=","sequence":3,"stream":"stdout"} x)"}) {
    const auto got = read_entry(std::string_view{text});
    CAF_CHECK(!got.has_value());
    if (!got)
      CAF_CHECK(got.error().code == errc::io);
  }
}
