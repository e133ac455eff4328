// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE realtime_client

#include "realtime_rig.hpp"

#include <caf/all.hpp>
#include <caf/test/unit_test.hpp>

using namespace holt;
using namespace holt::test;

CAF_TEST(a client joins and talks and leaves) {
  realtime_server server;
  {
    realtime_rig client;
    CAF_REQUIRE(client.start(server.url()));
    client.port().set_presence({{"role", "sandbox"}, {"id", "sbx-7"}});
    CAF_REQUIRE(client.seen.wait_for("up 1"));
    CAF_CHECK(client.seen.wait_for("present sbx-7=sbx-7"));
    CAF_CHECK(server.seen.wait_for(R"(track {"id":"sbx-7","role":"sandbox"})"));
    server.broadcast("cmd", R"({"type":"fs.read","id":"req_1"})");
    CAF_CHECK(client.seen.wait_for(R"(message cmd {"type":"fs.read","id":"req_1"})"));
    CAF_CHECK(client.send(R"({"type":"result","id":"req_1","ok":true})"));
    CAF_CHECK(server.seen.wait_for(R"(sent result {"type":"result","id":"req_1","ok":true})"));
    const auto status = client.port().status();
    CAF_CHECK_EQUAL(status.value("state", ""), "joined");
    CAF_CHECK_EQUAL(status.value("session", ""), "s1");
    CAF_CHECK(status.dump().find("anon") == std::string::npos); // no key
    client.port().close();
    CAF_CHECK(server.seen.wait_for("leave"));
    CAF_CHECK(server.seen.wait_for("closed 1000"));
    CAF_CHECK(!client.send("{}"));
    CAF_CHECK(client.details().empty());
  }
  CAF_CHECK_EQUAL(server.violations().size(), 0u);
  CAF_CHECK_EQUAL(server.handshakes.load(), 1);
}

CAF_TEST(every close code brings it back) {
  realtime_server server;
  realtime_rig client;
  CAF_REQUIRE(client.start(server.url()));
  int up = 0;
  for (const int code : {1000, 1001, 1011, 1012, 4000}) {
    CAF_REQUIRE(client.seen.wait_for("up " + std::to_string(++up)));
    server.close_sockets(static_cast<std::uint16_t>(code));
  }
  CAF_CHECK(client.seen.wait_for("up 6"));
  CAF_CHECK_EQUAL(server.violations().size(), 0u);
  CAF_CHECK_EQUAL(server.most_live.load(), 1u);
}
