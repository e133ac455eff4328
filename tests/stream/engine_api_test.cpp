// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE engine_api

#include "stream/engine_api.hpp"

#include "check.hpp"
#include "tests/stream/room_fixture.hpp"

#include <caf/all.hpp>

using namespace holt;
using holt::test::json;
using holt::test::room_fixture;

namespace {

struct fixture : room_fixture {
  std::unique_ptr<stream::engine_api> routes
    = std::make_unique<stream::engine_api>(room, [] { return stream::source_numbers{}; });

  struct answer {
    unsigned status = 0;
    json body;
    std::string text;
  };

  answer call(const std::string& method, const std::string& path, const json& body = nullptr,
              const std::string& token = "secret") {
    http::request what;
    what.method = method;
    what.target = what.path = path;
    if (!token.empty())
      what.headers.push_back({"authorization", "Bearer " + token});
    if (!body.is_null())
      what.body = body.is_string() ? body.get<std::string>() : body.dump();
    answer out;
    routes->handle(std::move(what), [&](http::response got) {
      out.status = got.status;
      out.text = got.body ? *got.body : "";
      out.body = json::parse(out.text, nullptr, false);
    });
    return out;
  }

  static json new_member(const std::string& name) {
    return {{"username", name}, {"password", "pw"}, {"profile", control_profile()}};
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(engine_api_tests, fixture)

CAF_TEST(health is true without a token and 503 with the reason when the picture is gone) {
  auto fine = call("GET", "/health", nullptr, "");
  HOLT_SAME(fine.status, 200U);
  HOLT_SAME(fine.text, "true");
  media.broken = error{errc::stream_pipeline, "the X server does not answer"};
  auto sick = call("GET", "/health", nullptr, "");
  HOLT_SAME(sick.status, 503U);
  HOLT_SAME(sick.body["message"], "the X server does not answer");
}

CAF_TEST(unknown routes and methods and missing tokens have their status) {
  HOLT_SAME(call("GET", "/nope").status, 404U);
  HOLT_SAME(call("GET", "/").status, 404U);
  HOLT_SAME(call("PUT", "/api/login").status, 405U);
  HOLT_SAME(call("GET", "/api/whoami", nullptr, "").status, 401U);
  HOLT_SAME(call("GET", "/api/whoami", nullptr, "wrong").body,
            (json{{"code", 401}, {"message", "session not found"}}));
  HOLT_SAME(call("POST", "/api/members", json("{")).status, 400U);
  HOLT_SAME(call("POST", "/api/members", json::array()).status, 400U);
}

CAF_TEST(a member is made and logs in and is changed and deleted) {
  auto made = call("POST", "/api/members", new_member("ann"));
  HOLT_SAME(made.status, 200U);
  HOLT_SAME(made.body["id"], "ann");
  HOLT_SAME(made.body["profile"]["can_host"], true);
  HOLT_SAME(call("POST", "/api/members", new_member("ann")).status, 422U);
  HOLT_SAME(call("POST", "/api/login", {{"username", "ann"}, {"password", "no"}}, "").status, 401U);
  auto in = call("POST", "/api/login", {{"username", "ann"}, {"password", "pw"}}, "");
  HOLT_SAME(in.status, 200U);
  HOLT_SAME(in.body["id"], "ann");
  std::string token = in.body["token"];
  HOLT_SAME(call("GET", "/api/whoami", nullptr, token).body["state"]["is_connected"], false);
  HOLT_SAME(call("GET", "/api/members", nullptr, token).status, 403U);
  HOLT_SAME(call("POST", "/api/members/ann", {{"can_host", false}}).status, 204U);
  HOLT_SAME(call("GET", "/api/sessions/ann").body["profile"]["can_host"], false);
  HOLT_SAME(call("POST", "/api/members/ann/password", {{"password", "new"}}).status, 204U);
  HOLT_SAME(call("DELETE", "/api/members/ann").status, 204U);
  HOLT_SAME(call("DELETE", "/api/members/ann").status, 404U);
  HOLT_SAME(call("GET", "/api/whoami", nullptr, token).status, 401U);
}

CAF_TEST(a token in the query works and logout ends it) {
  auto token = account("ann");
  http::request what;
  what.method = "POST";
  what.path = "/api/logout";
  what.query = {{"token", token}};
  unsigned status = 0;
  routes->handle(what, [&](const http::response& got) { status = got.status; });
  HOLT_SAME(status, 200U);
  CAF_CHECK(room->registry().find_token(token) == nullptr);
  HOLT_SAME(call("POST", "/api/logout").status, 400U);
}

CAF_TEST(sessions are disconnected and deleted by an admin) {
  auto token = account("ann");
  auto ann = open(token);
  HOLT_SAME(call("POST", "/api/sessions/ann/disconnect").status, 204U);
  HOLT_SAME(ann.socket->last("system/disconnect")["message"], "session disconnected");
  HOLT_SAME(call("GET", "/api/whoami", nullptr, token).status, 200U);
  HOLT_SAME(call("DELETE", "/api/sessions/ann").status, 204U);
  HOLT_SAME(call("DELETE", "/api/sessions/ann").status, 400U);
  HOLT_SAME(call("GET", "/api/sessions").body, json::array());
}

CAF_TEST(control goes by give and reset) {
  auto token = account("ann");
  open(token);
  HOLT_SAME(call("GET", "/api/room/control").body, (json{{"has_host", false}}));
  HOLT_SAME(call("POST", "/api/room/control/request", nullptr, token).status, 403U);
  HOLT_SAME(call("POST", "/api/room/control/give/nobody").status, 404U);
  HOLT_SAME(call("POST", "/api/room/control/give/ann").status, 204U);
  HOLT_SAME(call("GET", "/api/room/control").body["host_id"], "ann");
  HOLT_SAME(call("POST", "/api/room/control/reset", nullptr, token).status, 403U);
  HOLT_SAME(call("POST", "/api/room/control/reset").status, 204U);
  HOLT_SAME(call("POST", "/api/room/control/release", nullptr, token).status, 422U);
}

CAF_TEST(the screen is read and resized and photographed) {
  HOLT_SAME(call("GET", "/api/room/screen").body,
            (json{{"width", 1280}, {"height", 720}, {"rate", 30}}));
  HOLT_SAME(call("POST", "/api/room/screen", {{"width", 800}, {"height", 600}}).status, 200U);
  HOLT_SAME(call("POST", "/api/room/screen", {{"width", -1}, {"height", 600}}).status, 400U);
  HOLT_SAME(call("GET", "/api/room/screen/shot.jpg").text, "\xff\xd8");
  CAF_CHECK(call("GET", "/api/room/screen/configurations").body.is_array());
}

CAF_TEST(the clipboard over HTTP belongs to the host) {
  auto token = account("ann");
  open(token);
  HOLT_SAME(call("GET", "/api/room/clipboard").status, 403U);
  CAF_REQUIRE(room->give_control(api(), "ann"));
  HOLT_SAME(call("POST", "/api/room/clipboard", {{"text", "hi"}}, token).status, 204U);
  HOLT_SAME(call("GET", "/api/room/clipboard", nullptr, token).body["text"], "hi");
}

CAF_TEST(metrics have the names that the health ladder reads) {
  auto text = call("GET", "/metrics", nullptr, "").text;
  for (const char* name :
       {"neko_capture_streamsink_listeners{video_id=\"main\"} 0",
        "neko_capture_streamsink_bytes{video_id=\"main\"} 0",
        "neko_capture_pipelines_active{video_id=\"main\"} 0", "holt_stream_peers 0"})
    CAF_CHECK(text.find(name) != std::string::npos);
}

CAF_TEST(bodies are small before a session is shown) {
  http::request head;
  head.path = "/api/login";
  HOLT_SAME(*routes->admit(head), std::uint64_t{16 * 1024});
  head.headers.push_back({"authorization", "Bearer secret"});
  HOLT_SAME(*routes->admit(head), std::uint64_t{1024 * 1024});
}

CAF_TEST_FIXTURE_SCOPE_END()
