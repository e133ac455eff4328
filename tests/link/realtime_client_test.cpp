// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE realtime_client

#include "realtime_rig.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;
using namespace holt::test;

namespace {

struct temp_file {
  std::string path;
  temp_file() {
    std::string name = "/tmp/holt-test-XXXXXX";
    const int fd = ::mkstemp(name.data());
    path = name;
    if (fd >= 0)
      ::close(fd);
  }
  ~temp_file() { ::unlink(path.c_str()); }
};

} // namespace

CAF_TEST(a client joins and talks and leaves) {
  realtime_server server;
  {
    realtime_rig client;
    client.take_your_time();
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

CAF_TEST(a channel that is closed with a reason is joined again on the same socket) {
  realtime_server server;
  realtime_rig client;
  client.take_your_time();
  CAF_REQUIRE(client.start(server.url()));
  CAF_REQUIRE(client.seen.wait_for("up 1"));
  server.crash_channels();
  CAF_CHECK(client.seen.wait_for("up 2"));
  server.end_channels("");
  CAF_CHECK(client.seen.wait_for("up 3"));
  server.end_channels("Token has expired 3 seconds ago");
  CAF_CHECK(client.seen.wait_for("down token_invalid"));
  CAF_CHECK(client.details().find("link.token_command") != std::string::npos);
  CAF_CHECK_EQUAL(server.handshakes.load(), 1);
  CAF_CHECK_EQUAL(server.violations().size(), 0u);
}

CAF_TEST(rate limits are waited out) {
  realtime_server server;
  server.refuse_joins({"ClientJoinRateLimitReached: Too many joins per second"});
  realtime_rig client;
  client.how.hurry = 10;
  const auto start = std::chrono::steady_clock::now();
  CAF_REQUIRE(client.start(server.url()));
  CAF_REQUIRE(client.seen.wait_for("down too_many_requests"));
  CAF_CHECK(client.details().find("The next attempt is in 6 s.") != std::string::npos);
  CAF_CHECK(client.seen.wait_for("up 1"));
  CAF_CHECK(std::chrono::steady_clock::now() - start >= 6s); // 60 s, divided by 10
  CAF_CHECK_EQUAL(server.joins.load(), 2);
  CAF_CHECK_EQUAL(server.violations().size(), 0u);
}

CAF_TEST(a wrong configuration is told in words and tried slowly) {
  realtime_server server;
  server.refuse_joins(
    {"Unauthorized: You do not have permissions to read from this Channel topic"});
  realtime_rig client;
  CAF_REQUIRE(client.start(server.url()));
  CAF_REQUIRE(client.seen.wait_for("down forbidden"));
  CAF_CHECK(client.details().find("realtime.messages") != std::string::npos);
  CAF_CHECK_EQUAL(client.port().status()["lastError"].value("code", ""), "forbidden");
  CAF_CHECK(client.seen.wait_for("up 1")); // the operator put it right meanwhile
  CAF_CHECK(client.port().status()["lastError"].is_null());

  realtime_rig wrong_key;
  wrong_key.how.key = log::secret{"another-secret"};
  CAF_REQUIRE(wrong_key.start(server.url()));
  CAF_REQUIRE(wrong_key.seen.wait_for("down token_invalid"));
  CAF_CHECK(wrong_key.details().find("link.key") != std::string::npos);
  CAF_CHECK(wrong_key.details().find("Invalid API key") != std::string::npos);
  CAF_CHECK(wrong_key.details().find("another-secret") == std::string::npos);
  CAF_CHECK_EQUAL(server.violations().size(), 0u);
}

CAF_TEST(refused handshakes are tried again as their status says) {
  realtime_server server;
  server.refuse_handshakes({500, 503, 500});
  realtime_rig client;
  client.how.hurry = 5;
  CAF_REQUIRE(client.start(server.url()));
  CAF_CHECK(client.seen.wait_for("up 1"));
  CAF_CHECK_EQUAL(server.handshakes.load(), 4);
  CAF_CHECK(client.details().find("status 503: said the test") != std::string::npos);
}

CAF_TEST(a token command feeds the join and runs again for the next one) {
  realtime_server server;
  temp_file counter;
  realtime_rig client;
  client.take_your_time();
  client.how.token_command
    = "n=$(cat " + counter.path + "); n=$((n+1)); echo $n > " + counter.path + "; echo token.$n";
  CAF_REQUIRE(client.start(server.url()));
  CAF_REQUIRE(client.seen.wait_for("up 1"));
  CAF_CHECK(server.tokens() == std::vector<std::string>{"token.1"});
  server.close_sockets(1012);
  CAF_REQUIRE(client.seen.wait_for("up 2"));
  server.end_channels("Token has expired 3 seconds ago");
  CAF_REQUIRE(client.seen.wait_for("up 3"));
  CAF_CHECK((server.tokens() == std::vector<std::string>{"token.1", "token.2", "token.3"}));
  CAF_CHECK_EQUAL(server.violations().size(), 0u);
}

CAF_TEST(a token command that fails is told and never blocks the end) {
  realtime_server server;
  {
    realtime_rig client;
    client.how.token_command = "echo please log in >&2; exit 1";
    CAF_REQUIRE(client.start(server.url()));
    CAF_CHECK(client.seen.wait_for("down config"));
    CAF_CHECK(client.details().find("please log in") != std::string::npos);
  }
  const auto start = std::chrono::steady_clock::now();
  {
    realtime_rig client;
    client.how.token_command = "sleep 60";
    CAF_REQUIRE(client.start(server.url()));
  }
  CAF_CHECK(std::chrono::steady_clock::now() - start < 9s); // the command's own limit is 10 s
  CAF_CHECK_EQUAL(server.handshakes.load(), 0);
}

CAF_TEST(an unanswered heartbeat brings a new socket) {
  realtime_server server;
  realtime_rig client;
  CAF_REQUIRE(client.start(server.url()));
  CAF_REQUIRE(client.seen.wait_for("up 1"));
  server.answer_beats(false);
  CAF_CHECK(client.seen.wait_for("down timeout"));
  server.answer_beats(true);
  CAF_CHECK(client.seen.wait_for("up 2"));
  CAF_CHECK_EQUAL(server.violations().size(), 0u);
}

CAF_TEST(junk from the server is dropped and counted) {
  realtime_server server;
  realtime_rig client;
  client.take_your_time();
  CAF_REQUIRE(client.start(server.url()));
  CAF_REQUIRE(client.seen.wait_for("up 1"));
  for (const auto* junk :
       {"", "x", "[]", "{}", "null", "[1,2,3,4,5]", "[null,null,\"realtime:sandbox:s1\"]",
        "[null,null,\"realtime:sandbox:s1\",\"broadcast\",7]",
        "[null,null,\"realtime:sandbox:s1\",\"broadcast\",{\"event\":7}]",
        "[null,null,\"realtime:other\",\"phx_error\",{}]",
        "[\"99\",null,\"realtime:sandbox:s1\",\"phx_close\",{}]",
        "[null,null,\"phoenix\",\"phx_reply\",{}]"})
    server.raw(junk);
  server.raw(std::string("\x04\x13", 2), true);
  server.raw(std::string("\x07\xff\xff", 3), true);
  server.raw(std::string(100'000, '['));
  server.broadcast("cmd", "[1,\"a list is delivered as it is\"]");
  CAF_CHECK(client.seen.wait_for("message cmd [1,\"a list is delivered as it is\"]"));
  CAF_CHECK_EQUAL(client.messages.load(), 1);
  CAF_CHECK(client.port().status().value("dropped", 0) >= 12);
  CAF_CHECK_EQUAL(client.ups.load(), 1);
}

CAF_TEST(sends are bounded and honest) {
  realtime_server server;
  realtime_rig client;
  client.take_your_time();
  client.how.limits.messages_per_second = 20;
  client.how.outbox_messages = 50;
  server.answer_joins(false);
  CAF_REQUIRE(client.start(server.url()));
  CAF_REQUIRE(server.seen.wait_for("join"));
  CAF_CHECK(!client.send("{}")); // not joined yet
  server.answer_joins(true);
  server.close_sockets(1012);
  CAF_REQUIRE(client.seen.wait_for("up 1"));
  CAF_CHECK(!client.send("\"" + std::string(300'000, 'x') + "\""));
  int taken = 0;
  const auto begin = std::chrono::steady_clock::now();
  while (client.send("{\"n\":" + std::to_string(taken) + "}") && taken < 10'000)
    ++taken;
  CAF_CHECK(taken >= 50);
  // Twenty at once, and what its second gives back meanwhile.
  const auto meanwhile = (std::chrono::steady_clock::now() - begin) / 50ms;
  CAF_CHECK(taken <= 50 + 21 + meanwhile);
  CAF_CHECK(client.eventually([&] { return server.broadcasts == taken; }));
  CAF_CHECK_EQUAL(server.violations().size(), 0u);
}

CAF_TEST(many threads may send at once) {
  realtime_server server;
  realtime_rig client;
  client.take_your_time();
  client.how.limits.messages_per_second = 0;
  CAF_REQUIRE(client.start(server.url()));
  CAF_REQUIRE(client.seen.wait_for("up 1"));
  std::array<std::thread, 4> senders;
  std::atomic<int> refused{0};
  for (auto& one : senders)
    one = std::thread{[&] {
      for (int i = 0; i < 1'000; ++i)
        if (!client.send("{\"x\":\"" + std::string(100, 'x') + "\"}"))
          ++refused;
    }};
  for (auto& one : senders)
    one.join();
  CAF_CHECK_EQUAL(refused.load(), 0);
  CAF_CHECK(client.eventually([&] { return server.broadcasts == 4'000; }));
  CAF_CHECK_EQUAL(server.violations().size(), 0u);
}

CAF_TEST(wrong options are refused before anything starts) {
  const auto why = [](const std::function<void(link::realtime_options&)>& change) {
    realtime_rig client;
    client.how.key = log::secret{"k"};
    client.how.url = "http://127.0.0.1:1/realtime/v1";
    change(client.how);
    return client.start(client.how.url) ? std::string{"started"} : client.details();
  };
  CAF_CHECK(why([](auto& o) { o.url = "nonsense"; }).find("link.url") == 0);
  CAF_CHECK(why([](auto& o) { o.url = "ftp://x/realtime/v1"; }).find("link.url") == 0);
  CAF_CHECK(why([](auto& o) { o.url = "http://u:p@h/"; }).find("link.key") != std::string::npos);
  CAF_CHECK_EQUAL(why([](auto& o) { o.key = log::secret{}; }), "link.key is missing.");
  CAF_CHECK(why([](auto& o) { o.session = ""; }).find("link.session") == 0);
  CAF_CHECK(why([](auto& o) { o.session = "\xff"; }).find("link.session") == 0);
  CAF_CHECK(why([](auto& o) { o.proxy = "socks5://x"; }).find("proxy") != std::string::npos);
}

CAF_TEST(the server is not reached and comes later) {
  std::uint16_t port = 0;
  {
    realtime_server gone;
    port = gone.port;
  }
  realtime_rig client;
  CAF_REQUIRE(client.start("http://127.0.0.1:" + std::to_string(port) + "/realtime/v1"));
  CAF_REQUIRE(client.seen.wait_for("down io"));
  CAF_CHECK(client.details().find("Connection refused") != std::string::npos);
  http::listener_options there;
  there.port = port;
  realtime_server server{there};
  CAF_CHECK(client.seen.wait_for("up 1"));
  // Told once, however often it failed.
  const auto all = client.seen.all();
  CAF_CHECK_EQUAL(std::count(all.begin(), all.end(), "down io"), 1);
}
