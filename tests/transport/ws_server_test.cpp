// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE ws_server

#include "ws_frames.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace rig;

CAF_TEST(an upgrade is answered and messages come back) {
  server s;
  ws_client_raw c{s.port};
  CAF_CHECK(c.head.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string::npos);
  c.send(frame(1, "hello"));
  CAF_CHECK(c.read() == (seen_frame{1, "hello"}));
  c.send(frame(2, std::string(60'000, '\xff')));
  CAF_CHECK(c.read() == (seen_frame{2, std::string(60'000, '\xff')}));
  c.send(frame(9, "are you there"));
  CAF_CHECK(c.read() == (seen_frame{10, "are you there"}));
  c.send(close_frame(1000, "done"));
  CAF_CHECK(c.read() == (seen_frame{8, std::string{"\x03\xe8", 2}}));
  CAF_CHECK(s.app->seen.wait_for("closed 1000 done"));
  CAF_CHECK(s.empties());
  auto stats = s.listener.stats();
  CAF_CHECK_EQUAL(stats.requests[101], 1u);
}

CAF_TEST(an upgrade can be refused and forgotten) {
  server s;
  raw_client c{s.port};
  CAF_CHECK_EQUAL(c.ask(handshake("/refuse")).status, 401u);
  CAF_CHECK_EQUAL(c.ask(handshake("/forget")).status, 500u);
  CAF_CHECK_EQUAL(c.ask(get("/echo")).status, 200u);
}

CAF_TEST(malformed handshakes are refused) {
  server s;
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::string up = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  for (const auto& headers :
       {up + version, up + key, up + key + "Sec-WebSocket-Version: 8\r\n",
        up + version + "Sec-WebSocket-Key: short\r\n", up + version + key + key,
        "Upgrade: websocket\r\n" + version + key, up + version + key + "Content-Length: 1\r\n"}) {
    raw_client c{s.port};
    const auto a = c.ask(get("/ws", headers) + "x");
    CAF_CHECK_EQUAL(a.status, 400u);
    CAF_CHECK(a.body.find("upgrade_required") != std::string::npos);
  }
  raw_client early{s.port};
  CAF_CHECK_EQUAL(early.ask(handshake("/ws") + frame(1, "too early")).status, 400u);
}

CAF_TEST(the server closes with its code and the words before it) {
  server s;
  ws_client_raw c{s.port};
  CAF_REQUIRE(s.app->seen.wait_for("opened"));
  const auto ws = s.app->last_socket();
  CAF_REQUIRE(ws != nullptr);
  CAF_CHECK(ws->send_text(text("first")));
  ws->close(4409, "enough");
  CAF_CHECK(!ws->send_text(text("too late")));
  CAF_CHECK(c.read() == (seen_frame{1, "first"}));
  CAF_CHECK(c.read() == (seen_frame{8, std::string{"\x11\x39", 2} + "enough"}));
  c.send(close_frame(4409, ""));
  CAF_CHECK(s.app->seen.wait_for("closed 4409"));
  CAF_CHECK(s.empties());
}

CAF_TEST(a close that is not answered ends in time) {
  server s;
  s.app->limits.close_timeout = 50ms;
  ws_client_raw c{s.port};
  CAF_REQUIRE(s.app->seen.wait_for("opened"));
  s.app->last_socket()->close(1012, "restart");
  CAF_CHECK(s.app->seen.wait_for("closed 1006"));
  CAF_CHECK(s.empties());
}

CAF_TEST(a full outbox closes the slow reader and never blocks) {
  server s;
  s.app->limits.outbox_bytes = 256 * 1024;
  s.app->limits.close_timeout = 100ms;
  ws_client_raw c{s.port, 4096};
  CAF_REQUIRE(s.app->seen.wait_for("opened"));
  const auto ws = s.app->last_socket();
  const auto block = text(std::string(32 * 1024, 'x'));
  std::size_t most = 0;
  int sent = 0;
  const auto start = std::chrono::steady_clock::now();
  while (ws->send_binary(block) && sent < 10'000) {
    ++sent;
    most = std::max(most, ws->outbox());
  }
  CAF_CHECK(std::chrono::steady_clock::now() - start < limit);
  CAF_CHECK(sent < 10'000);
  CAF_CHECK(most <= 256 * 1024 + 64);
  CAF_CHECK(s.app->seen.wait_for("closed 1006"));
  CAF_CHECK(s.empties());
}

CAF_TEST(an overflowing outbox says 1013 to a reader that wakes up) {
  server s;
  s.app->limits.outbox_bytes = 1000;
  s.app->limits.close_timeout = 5s;
  ws_client_raw c{s.port};
  CAF_REQUIRE(s.app->seen.wait_for("opened"));
  const auto ws = s.app->last_socket();
  CAF_CHECK(!ws->send_text(text(std::string(2000, 'x'))));
  CAF_CHECK(c.read() == (seen_frame{8, std::string{"\x03\xf5", 2} + "the reader is too slow"}));
}

CAF_TEST(a silent peer gets pings and is cut off) {
  server s;
  s.app->limits.ping = 30ms;
  ws_client_raw c{s.port};
  CAF_CHECK_EQUAL(c.read().opcode, 9u);
  CAF_CHECK(s.app->seen.wait_for("closed 1006 the peer did not answer two pings"));
  CAF_CHECK(s.empties());
}

CAF_TEST(a peer that answers pings stays) {
  server s;
  s.app->limits.ping = 500ms; // three of these is what this thread may be held up
  ws_client_raw c{s.port};
  for (int i = 0; i < 5; ++i) {
    const auto ping = c.read();
    CAF_REQUIRE_EQUAL(ping.opcode, 9u);
    c.send(frame(10, ping.payload));
  }
  c.send(frame(1, "alive"));
  auto next = c.read();
  while (next.opcode == 9)
    next = c.read();
  CAF_CHECK(next == (seen_frame{1, "alive"}));
}

CAF_TEST(reading stops when credit is used up) {
  std::atomic<int> got{0};
  events seen; // before the server, which may still call
  server s;
  http::ws_ptr kept;
  s.app->on_upgrade = [&](http::upgrade_ptr what) {
    http::ws_limits limits;
    limits.credit = 4;
    http::ws_handlers handlers;
    handlers.on_message = [&](std::string payload, bool) {
      ++got;
      seen.add(payload);
    };
    handlers.on_close = [&](http::close_reason) { seen.add("closed"); };
    what->accept(limits, handlers, [&](http::ws_ptr ws) {
      kept = ws;
      seen.add("opened");
    });
  };
  ws_client_raw c{s.port};
  CAF_REQUIRE(seen.wait_for("opened"));
  for (int i = 0; i < 10; ++i)
    c.send(frame(1, std::to_string(i)));
  CAF_REQUIRE(seen.wait_for("3"));
  CAF_CHECK_EQUAL(got.load(), 4);
  kept->acknowledge(2);
  CAF_REQUIRE(seen.wait_for("5"));
  CAF_CHECK_EQUAL(got.load(), 6);
  kept->acknowledge(100);
  CAF_REQUIRE(seen.wait_for("9"));
  kept->close(1000, "");
  CAF_CHECK_EQUAL(c.read().opcode, 8u);
  c.send(close_frame(1000, ""));
  CAF_CHECK(seen.wait_for("closed"));
  kept.reset();
}

CAF_TEST(abrupt disconnects leave no connection) {
  server s;
  for (int i = 0; i < 200; ++i) {
    ws_client_raw c{s.port};
    if (i % 3)
      c.send(frame(1, "half").substr(0, static_cast<std::size_t>(i) % 9));
    if (i % 2)
      c.reset();
  }
  CAF_CHECK(s.empties());
  CAF_CHECK_EQUAL(s.listener.stats().websockets, 0u);
}

CAF_TEST(closing all says goodbye to every socket) {
  server s;
  ws_client_raw a{s.port};
  ws_client_raw b{s.port};
  CAF_CHECK(s.settles([](const auto& st) { return st.websockets == 2; }));
  events done;
  s.listener.stop_accepting();
  s.listener.close_all(1001, "going away", [&] { done.add("closed"); });
  CAF_CHECK(a.read() == (seen_frame{8, std::string{"\x03\xe9", 2} + "going away"}));
  a.send(close_frame(1001, ""));
  CAF_CHECK_EQUAL(b.read().opcode, 8u);
  CAF_CHECK(done.wait_for("closed"));
}

CAF_TEST(what is sent while it opens arrives once and first) {
  events seen; // before the server: it hears of an end when the connection counts no more
  server s;
  s.app->on_upgrade = [&](http::upgrade_ptr what) {
    http::ws_handlers handlers;
    handlers.on_close = [&](http::close_reason why) { seen.add(std::to_string(why.code)); };
    what->accept({}, handlers, [&](http::ws_ptr ws) {
      ws->send_text(text("one"));
      ws->send_binary(text("two"));
      ws->send_text(text("three"));
      ws->close(1000, "that is all");
    });
  };
  for (int i = 0; i < 20; ++i) {
    ws_client_raw c{s.port};
    CAF_CHECK(c.read() == (seen_frame{1, "one"}));
    CAF_CHECK(c.read() == (seen_frame{2, "two"}));
    CAF_CHECK(c.read() == (seen_frame{1, "three"}));
    CAF_CHECK(c.read() == (seen_frame{8, std::string{"\x03\xe8", 2} + "that is all"}));
    c.send(close_frame(1000, ""));
    CAF_CHECK(!c.need(1)); // nothing comes twice
  }
  CAF_CHECK(seen.wait_for("1000"));
  CAF_CHECK(s.empties());
}
