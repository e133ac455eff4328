// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE http_client

#include "http_rig.hpp"
#include "transport/assets.hpp"
#include "transport/http_client.hpp"
#include "transport/json_guard.hpp"
#include "transport/ws_client.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace rig;

CAF_TEST(a call gets the answer or one error) {
  server s;
  events seen;
  const auto ask = [&](std::string target, std::chrono::milliseconds timeout, std::uint64_t most,
                       std::string name) {
    http::client_request r;
    r.port = s.port;
    r.method = "POST";
    r.target = std::move(target);
    r.body = "hi";
    r.timeout = timeout;
    r.max_body = most;
    http::http_call(s.io.get_executor(), r, [&seen, name](result<http::response> got) {
      seen.add(
        name + " "
        + (got ? std::to_string(got->status) + " " + *got->body : std::string{got.error().word()}));
    });
  };
  ask("/echo", 15s, 1000, "a");
  CAF_CHECK(seen.wait_for("a 200 POST /echo hi"));
  ask("/big", 15s, 1000, "b");
  CAF_CHECK(seen.wait_for("b payload_too_large"));
  ask("/slow", 50ms, 1000, "c");
  CAF_CHECK(seen.wait_for("c timeout"));
  http::client_request nobody;
  nobody.port = 1;
  http::http_call(s.io.get_executor(), nobody, [&](result<http::response> got) {
    seen.add(got ? "answered" : std::string{"d "} + std::string{got.error().word()});
  });
  CAF_CHECK(seen.wait_for("d io"));
}

CAF_TEST(a WebSocket client talks with the server) {
  server s;
  events seen;
  http::ws_ptr ws;
  http::ws_handlers handlers;
  handlers.on_message = [&](std::string payload, bool) { seen.add(payload.substr(0, 20)); };
  handlers.on_close = [&](http::close_reason why) { seen.add("end " + std::to_string(why.code)); };
  http::ws_target to;
  to.port = s.port;
  to.target = "/ws";
  http::ws_connect(s.io.get_executor(), to, {}, handlers, [&](result<http::ws_ptr> got) {
    if (got)
      ws = *got;
    seen.add(got ? "open" : got.error().detail);
  });
  CAF_REQUIRE(seen.wait_for("open"));
  CAF_CHECK(ws->send_text(text("hello")));
  CAF_CHECK(seen.wait_for("hello"));
  CAF_CHECK(ws->send_binary(text(std::string(50'000, 'x'))));
  CAF_CHECK(seen.wait_for(std::string(20, 'x')));
  ws->close(4000, "done");
  CAF_CHECK(seen.wait_for("end 4000"));
  CAF_CHECK(s.app->seen.wait_for("closed 4000 done"));
  to.target = "/refuse";
  http::ws_connect(s.io.get_executor(), to, {}, {},
                   [&](result<http::ws_ptr> got) { seen.add(got ? "open?" : got.error().detail); });
  CAF_CHECK(seen.wait_for("The WebSocket was refused with status 401."));
  CAF_CHECK(s.empties());
}

CAF_TEST(JSON from outside is bounded) {
  using http::parse_json;
  CAF_CHECK(parse_json("{\"a\":[1,2.5,null,true,\"\\u00e4\"]}").has_value());
  CAF_CHECK(parse_json(std::string(64, '[') + std::string(64, ']')).has_value());
  for (const std::string& bad :
       {std::string{}, std::string{"{"}, std::string{"{}x"}, std::string{"{}\0x", 4},
        std::string{"\xef\xbb\xbf{}"}, std::string{"{\"a\":1,\"a\":2}"}, std::string{"\"\xff\""},
        std::string{"\"\xed\xa0\x80\""}, std::string(65, '[') + std::string(65, ']'),
        std::string(500'000, '['), std::string{"[1,]"}, std::string{"NaN"}, std::string{"01"}})
    CAF_CHECK(!parse_json(bad).has_value());
  std::string many = "[0";
  for (int i = 0; i < 10'000; ++i)
    many += ",0";
  CAF_CHECK(!parse_json(many + "]").has_value());
}

CAF_TEST(assets choose encodings and know hashed names) {
  CAF_CHECK_EQUAL(http::choose_encoding("gzip, deflate, br", true, true), "br");
  CAF_CHECK_EQUAL(http::choose_encoding("gzip, br;q=0", true, true), "gzip");
  CAF_CHECK_EQUAL(http::choose_encoding("gzip;q=0.5, br;q=0.2", true, true), "gzip");
  CAF_CHECK_EQUAL(http::choose_encoding("", true, true), "");
  CAF_CHECK(http::hashed_name("/assets/index-BxY_12-z.js"));
  CAF_CHECK(!http::hashed_name("/favicon.svg"));
  CAF_CHECK(!http::hashed_name("/index.html"));
}
