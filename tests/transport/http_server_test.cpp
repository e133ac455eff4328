// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE http_server

#include "transport/http_core.hpp"

#include "check.hpp"
#include "http_rig.hpp"

#include <caf/all.hpp>

using namespace rig;

namespace {

bool says(const std::string& head, std::string_view line) {
  return head.find(std::string{"\r\n"} + std::string{line} + "\r\n") != std::string::npos;
}

} // namespace

CAF_TEST(a request is answered and the connection stays open) {
  server s;
  raw_client c{s.port};
  for (int i = 0; i < 3; ++i) {
    const auto a = c.ask(get("/echo"));
    CAF_CHECK_EQUAL(a.status, 200u);
    CAF_CHECK_EQUAL(a.body, "GET /echo ");
    CAF_CHECK(says(a.head, "Connection: keep-alive"));
    CAF_CHECK(says(a.head, "X-Content-Type-Options: nosniff"));
  }
  const auto stats = s.listener.stats();
  CAF_CHECK_EQUAL(stats.accepted, 1u);
  CAF_CHECK_EQUAL(stats.requests.at(200), 3u);
}

CAF_TEST(a body arrives whole however it is cut) {
  server s;
  raw_client c{s.port};
  const std::string fixed
    = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello";
  const std::string chunked
    = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
      "\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: t\r\n\r\n";
  for (const auto& whole : {fixed, chunked}) {
    CAF_CHECK_EQUAL(c.ask(whole).body, "POST /echo hello");
    for (const char byte : whole)
      CAF_REQUIRE(c.send({&byte, 1}));
    CAF_CHECK_EQUAL(c.read_answer().body, "POST /echo hello");
  }
}

CAF_TEST(pipelined requests are answered in order) {
  server s;
  raw_client c{s.port};
  std::string many;
  for (int i = 0; i < 500; ++i)
    many += get("/p" + std::to_string(i));
  CAF_REQUIRE(c.send(many));
  for (int i = 0; i < 500; ++i)
    CAF_REQUIRE_EQUAL(c.read_answer().body, "GET /p" + std::to_string(i) + " ");
}

CAF_TEST(HEAD has the length and no body) {
  server s;
  raw_client c{s.port};
  CAF_REQUIRE(c.send("HEAD /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const auto a = c.read_answer(false);
  CAF_CHECK_EQUAL(a.status, 200u);
  CAF_CHECK(says(a.head, "Content-Length: 11"));
  CAF_CHECK_EQUAL(c.ask(get("/next")).body, "GET /next ");
}

CAF_TEST(a waiting client is told to go on) {
  server s;
  raw_client c{s.port};
  CAF_REQUIRE(c.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
                     "Expect: 100-continue\r\n\r\n"));
  CAF_CHECK_EQUAL(c.take(25), "HTTP/1.1 100 Continue\r\n\r\n");
  CAF_CHECK_EQUAL(c.ask("hi").body, "POST /echo hi");
  // Refused: the final answer comes at once, without the body.
  CAF_REQUIRE(c.send("POST /nope HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
                     "Expect: 100-continue\r\n\r\n"));
  CAF_CHECK_EQUAL(c.read_answer().status, 404u);
}

CAF_TEST(the connection closes when either side says so) {
  server s;
  raw_client a{s.port};
  CAF_CHECK(says(a.ask(get("/echo", "Connection: close\r\n")).head, "Connection: close"));
  a.rest();
  CAF_CHECK(a.ended);
  raw_client b{s.port};
  CAF_CHECK(says(b.ask(get("/close")).head, "Connection: close"));
  b.rest();
  CAF_CHECK(b.ended);
  raw_client c{s.port};
  CAF_CHECK_EQUAL(c.ask("GET /echo HTTP/1.0\r\nHost: localhost\r\n\r\n").status, 200u);
  c.rest();
  CAF_CHECK(c.ended);
  CAF_CHECK(s.empties());
}

CAF_TEST(refusals are problem documents) {
  server s;
  raw_client c{s.port};
  auto a = c.ask(get("/nope"));
  CAF_CHECK_EQUAL(a.status, 404u);
  CAF_CHECK(says(a.head, "Content-Type: application/problem+json"));
  CAF_CHECK(a.body.find("\"urn:sandbox-agent:error:not_found\"") != std::string::npos);
  CAF_CHECK(a.body.find("\"title\":\"Not Found\"") != std::string::npos);
  a = c.ask("DELETE /get-only HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CAF_CHECK_EQUAL(a.status, 405u);
  CAF_CHECK(says(a.head, "Allow: GET"));
  CAF_CHECK(a.body.find("\"urn:holt:error:method_not_allowed\"") != std::string::npos);
  a = c.ask("GARBAGE\r\n\r\n");
  CAF_CHECK_EQUAL(a.status, 400u);
  CAF_CHECK(says(a.head, "Connection: close"));
  c.rest();
  CAF_CHECK(c.ended);
}

CAF_TEST(a reply that is dropped answers 500) {
  server s;
  raw_client c{s.port};
  CAF_CHECK_EQUAL(c.ask(get("/drop")).status, 500u);
  CAF_CHECK_EQUAL(c.ask(get("/echo")).status, 200u);
}

CAF_TEST(a header with a line break is not sent) {
  server s;
  raw_client c{s.port};
  const auto a = c.ask(get("/bad-header"));
  CAF_CHECK(a.head.find("X-Injected") == std::string::npos);
  CAF_CHECK(says(a.head, "X-Good: 1"));
}

CAF_TEST(a body over the limit is refused before it is read) {
  server s;
  s.app->body_limit = 10;
  raw_client a{s.port};
  CAF_CHECK_EQUAL(
    a.ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\n").status, 413u);
  a.rest();
  CAF_CHECK(a.ended);
  raw_client b{s.port};
  CAF_CHECK_EQUAL(
    b.ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
          "6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n")
      .status,
    413u);
  raw_client c{s.port};
  CAF_CHECK_EQUAL(
    c.ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n0123456789").status,
    200u);
  CAF_CHECK_EQUAL(s.app->handled.load(), 1);
}

CAF_TEST(large headers are refused) {
  server s;
  raw_client a{s.port};
  CAF_CHECK_EQUAL(a.ask(get("/echo", "X: " + std::string(17000, 'x') + "\r\n")).status, 431u);
  raw_client b{s.port};
  std::string many;
  for (int i = 0; i < 64; ++i)
    many += "X-" + std::to_string(i) + ": y\r\n";
  CAF_CHECK_EQUAL(b.ask(get("/echo", many)).status, 431u);
}

CAF_TEST(slow and silent clients are sent away) {
  http::listener_options o;
  o.head_timeout = 3s; // the requests below must be there by then
  o.idle_timeout = 3s;
  o.body_window = 3s;
  server s{o};
  raw_client silent{s.port};
  raw_client slow_head{s.port};
  raw_client slow_body{s.port};
  raw_client idle{s.port};
  CAF_REQUIRE(slow_head.send("GET / HTTP/1.1\r\nHo"));
  CAF_REQUIRE(
    slow_body.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx"));
  CAF_CHECK_EQUAL(idle.ask(get("/echo")).status, 200u);
  CAF_CHECK_EQUAL(slow_head.read_answer().status, 408u);
  CAF_CHECK_EQUAL(slow_body.read_answer().status, 408u);
  for (auto* one : {&silent, &slow_head, &slow_body, &idle}) {
    CAF_CHECK_EQUAL(one->rest(), "");
    CAF_CHECK(one->ended);
  }
  CAF_CHECK(s.empties());
}

CAF_TEST(a reader that does not read is cut off) {
  http::listener_options o;
  o.write_timeout = 100ms;
  server s{o};
  raw_client c{s.port, 4096};
  CAF_REQUIRE(c.send(get("/big")));
  CAF_CHECK(s.app->seen.wait_for("GET /big"));
  CAF_CHECK(s.empties());
}

CAF_TEST(an answer that does not come is a 504) {
  http::listener_options o;
  o.answer_timeout = 50ms;
  server s{o};
  raw_client c{s.port};
  CAF_CHECK_EQUAL(c.ask(get("/slow")).status, 504u);
  s.app->let_go(); // too late; harmless
}

CAF_TEST(connections over the limits are refused) {
  http::listener_options o;
  o.max_connections = 3;
  o.max_unauthenticated = 2;
  server s{o};
  raw_client a{s.port};
  raw_client b{s.port};
  CAF_CHECK(s.settles([](const auto& st) { return st.unauthenticated == 2; }));
  raw_client c{s.port};
  CAF_CHECK_EQUAL(c.read_answer().status, 503u);
  CAF_CHECK_EQUAL(a.ask(get("/echo")).status, 200u); // admitted: makes room
  CAF_CHECK_EQUAL(s.listener.stats().unauthenticated, 1u);
  raw_client d{s.port};
  CAF_CHECK_EQUAL(d.ask(get("/echo")).status, 200u);
  raw_client e{s.port};
  CAF_CHECK_EQUAL(e.read_answer().status, 503u);
  CAF_CHECK_EQUAL(s.listener.stats().refused, 2u);
  a.hang_up();
  b.hang_up();
  d.reset();
  CAF_CHECK(s.empties());
}

CAF_TEST(a stranger that was answered still counts until it shows a credential) {
  http::listener_options o;
  o.max_unauthenticated = 2;
  server s{o};
  raw_client a{s.port};
  CAF_CHECK_EQUAL(a.ask(get("/echo", "X-Stranger: 1\r\n")).status, 200u);
  raw_client b{s.port};
  CAF_CHECK_EQUAL(b.ask(get("/echo", "X-Stranger: 1\r\n")).status, 200u);
  CAF_CHECK_EQUAL(s.listener.stats().unauthenticated, 2u);
  CAF_CHECK_EQUAL(a.ask(get("/echo")).status, 200u);
  CAF_CHECK_EQUAL(s.listener.stats().unauthenticated, 1u);
  CAF_CHECK_EQUAL(a.ask(get("/echo", "X-Stranger: 1\r\n")).status, 200u); // it stays known
  CAF_CHECK_EQUAL(s.listener.stats().unauthenticated, 1u);
}

CAF_TEST(the stranger that waits longest makes room and a busy one does not ) {
  http::listener_options o;
  o.max_unauthenticated = 3;
  server s{o};
  raw_client busy{s.port};
  CAF_REQUIRE(busy.send(get("/slow", "X-Stranger: 1\r\n")));
  CAF_REQUIRE(s.app->seen.wait_for("GET /slow"));
  raw_client older{s.port};
  CAF_CHECK_EQUAL(older.ask(get("/echo", "X-Stranger: 1\r\n")).status, 200u);
  raw_client newer{s.port};
  CAF_CHECK_EQUAL(newer.ask(get("/echo", "X-Stranger: 1\r\n")).status, 200u);
  CAF_REQUIRE(s.settles([](const auto& st) { return st.idle_strangers == 2; }));
  CAF_CHECK_EQUAL(older.ask(get("/echo", "X-Stranger: 1\r\n")).status, 200u); // now it is the newer
  CAF_CHECK(s.settles([](const auto& st) { return st.unauthenticated == 3; }));
  raw_client next{s.port};
  CAF_CHECK_EQUAL(next.ask(get("/echo", "X-Stranger: 1\r\n")).status, 200u);
  CAF_CHECK_EQUAL(newer.rest(), "");
  CAF_CHECK(newer.ended);
  CAF_CHECK_EQUAL(older.ask(get("/echo")).status, 200u);
  CAF_CHECK(s.settles([](const auto& st) { return st.unauthenticated == 2 && st.open == 3; }));
  CAF_CHECK_EQUAL(s.listener.stats().refused, 0u);
}

CAF_TEST(a page with many parallel parts loads for many browsers at one place) {
  http::listener_options o;
  o.max_unauthenticated = 12;
  server s{o};
  std::vector<std::unique_ptr<raw_client>> connections;
  for (int browser = 0; browser < 10; ++browser)
    for (int part = 0; part < 6; ++part) {
      connections.push_back(std::make_unique<raw_client>(s.port));
      CAF_CHECK_EQUAL(connections.back()->ask(get("/part", "X-Stranger: 1\r\n")).status, 200u);
    }
  CAF_CHECK(s.settles([](const auto& st) { return st.unauthenticated == 12; }));
  CAF_CHECK_EQUAL(s.listener.stats().refused, 0u);
}

CAF_TEST(the places of one address are its own) {
  boost::asio::io_context io;
  http::listener_options o;
  o.max_unauthenticated = 5;
  o.max_unauthenticated_per_address = 2;
  const auto core = std::make_shared<http::http_core>(io, o, std::make_shared<test_service>());
  struct idle_connection final : http::connection {
    void stop(std::uint16_t, std::string) override { stopped = true; }
    void abort() override {}
    bool stopped = false;
  };
  const auto near = boost::asio::ip::make_address("192.0.2.1");
  const auto far = boost::asio::ip::make_address("192.0.2.2");
  std::vector<std::unique_ptr<http::place>> seats;
  std::vector<std::shared_ptr<idle_connection>> who;
  for (const auto& address : {far, near, near}) {
    auto seat = core->take(address);
    CAF_REQUIRE(seat);
    who.push_back(std::make_shared<idle_connection>());
    seat->attach(who.back());
    seats.push_back(std::move(seat));
  }
  CAF_CHECK(!core->take(near)); // nobody waits
  seats[0]->waiting(true);
  CAF_CHECK(!core->take(near)); // the one that waits is another's
  seats[1]->waiting(true);
  CAF_CHECK(core->take(near));
  CAF_CHECK(!who[0]->stopped);
  CAF_CHECK(who[1]->stopped);
  CAF_CHECK(!who[2]->stopped);
  seats[2]->waiting(true);
  seats[2]->waiting(false); // a request came
  CAF_CHECK(!core->take(near));
  seats[2]->authenticated();
  seats[1].reset();
  CAF_CHECK(core->take(near));
  CAF_CHECK_EQUAL(core->stats().unauthenticated, 1u);
}

CAF_TEST(abrupt ends at any moment leave no connection) {
  server s;
  const std::string whole
    = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello";
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    raw_client c{s.port};
    CAF_REQUIRE(c.send(std::string_view{whole}.substr(0, n)));
    if (n % 2)
      c.reset();
  }
  {
    raw_client last{s.port}; // all before it have been taken by now
    CAF_CHECK_EQUAL(last.ask(get("/echo")).status, 200u);
  }
  CAF_CHECK(s.empties());
  CAF_CHECK_EQUAL(s.listener.stats().unauthenticated, 0u);
}

CAF_TEST(a taken port is named in the error) {
  server s;
  boost::asio::io_context io;
  http::listener_options o;
  o.port = s.port;
  http::listener second{io, o, s.app};
  const auto bound = second.start();
  CAF_REQUIRE(!bound);
  CAF_CHECK(bound.error().code == errc::port_unavailable);
  CAF_CHECK(bound.error().detail.find(std::to_string(s.port)) != std::string::npos);
}

CAF_TEST(closing all lets running requests answer) {
  http::listener_options o;
  o.close_grace = 20s;
  server s{o};
  raw_client idle{s.port};
  CAF_CHECK_EQUAL(idle.ask(get("/echo")).status, 200u);
  raw_client busy{s.port};
  CAF_REQUIRE(busy.send(get("/slow")));
  CAF_REQUIRE(s.app->seen.wait_for("GET /slow"));
  events done;
  s.listener.stop_accepting();
  s.listener.close_all(1001, "bye", [&] { done.add("closed"); });
  CAF_CHECK_EQUAL(idle.rest(), "");
  s.app->let_go();
  CAF_CHECK(says(busy.read_answer().head, "Connection: close"));
  busy.hang_up();
  CAF_CHECK(done.wait_for("closed"));
  CAF_CHECK_EQUAL(s.listener.stats().open, 0u);
}

CAF_TEST(closing all cuts what does not end) {
  http::listener_options o;
  o.close_grace = 50ms;
  server s{o};
  raw_client busy{s.port};
  CAF_REQUIRE(busy.send(get("/slow")));
  CAF_REQUIRE(s.app->seen.wait_for("GET /slow"));
  events done;
  s.listener.close_all(1001, "bye", [&] { done.add("closed"); });
  CAF_CHECK(done.wait_for("closed"));
}
