// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE session_sockets

#include "transport/session_sockets.hpp"

#include "check.hpp"
#include "ws_frames.hpp"

#include <caf/all.hpp>

using namespace rig;

namespace {

constexpr auto word = "the-first-token-of-this-daemon";

/// A listener whose WebSockets need a session of `who`.
struct guarded {
  explicit guarded(http::auth_limits limits = {})
    : who{std::make_shared<http::authority>(log::secret{word}, http::guard_policy{}, limits)},
      sockets{std::make_shared<http::session_sockets>(s.io.get_executor(), who)} {
    s.app->on_upgrade = [this](http::upgrade_ptr what) {
      const auto found = who->consume(what->head());
      if (!found)
        return what->refuse(http::problem(found.error()));
      s.app->echo(sockets->bind(std::move(what), *found));
    };
  }
  ~guarded() { sockets.reset(); }

  std::string own() const { return "localhost:" + std::to_string(s.port); }
  http::request plain(std::vector<http::header> headers = {}) const {
    http::request out;
    out.method = "POST";
    out.path = "/v1/session";
    out.headers = std::move(headers);
    out.headers.push_back({"Host", own()});
    return out;
  }
  std::string sign_in() {
    const auto got = who->open_session(plain(), "", word);
    CAF_REQUIRE(got);
    return got->cookie.substr(0, got->cookie.find(';'));
  }
  void sign_out(const std::string& cookie) { who->close_session(plain({{"Cookie", cookie}})); }

  server s;
  std::shared_ptr<http::authority> who;
  std::shared_ptr<http::session_sockets> sockets;
};

struct socket_of : raw_client {
  socket_of(const guarded& g, const std::string& line) : raw_client{g.s.port} {
    send("GET /ws HTTP/1.1\r\nHost: " + g.own() + "\r\nOrigin: http://" + g.own()
         + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
         + line + "\r\n\r\n");
    status = read_answer().status;
  }
  /// Code of the close frame that comes next; 0 for anything else.
  unsigned closed() {
    const auto bytes = take(4);
    if (bytes.size() < 4 || (static_cast<unsigned char>(bytes[0]) & 15u) != 8)
      return 0;
    return static_cast<unsigned>(static_cast<unsigned char>(bytes[2])) << 8
           | static_cast<unsigned char>(bytes[3]);
  }
  bool echoes() {
    send(frame(1, "x"));
    return take(3) == std::string{"\x81\x01x"};
  }
  unsigned status = 0;
};

} // namespace

CAF_TEST(signing out closes the sockets of that session and no other) {
  guarded g;
  const auto mine = g.sign_in();
  const auto theirs = g.sign_in();
  socket_of a{g, "Cookie: " + mine};
  socket_of b{g, "Cookie: " + mine};
  socket_of other{g, "Cookie: " + theirs};
  socket_of program{g, std::string{"Authorization: Bearer "} + word};
  for (auto* one : {&a, &b, &other, &program}) {
    CAF_CHECK_EQUAL(one->status, 101u);
    CAF_CHECK(one->echoes());
  }
  g.sign_out(mine);
  CAF_CHECK_EQUAL(a.closed(), 4401u);
  CAF_CHECK_EQUAL(b.closed(), 4401u);
  CAF_CHECK(other.echoes());
  CAF_CHECK(program.echoes());
  socket_of late{g, "Cookie: " + mine};
  CAF_CHECK_EQUAL(late.status, 401u);
}

CAF_TEST(a session whose time is over closes its sockets by itself) {
  http::auth_limits limits;
  limits.session_life = 3s; // the socket below must be open by then
  guarded g{limits};
  socket_of a{g, "Cookie: " + g.sign_in()};
  CAF_CHECK_EQUAL(a.status, 101u);
  CAF_CHECK_EQUAL(a.closed(), 4401u); // within the rig's limit
}

CAF_TEST(a session that ends before its socket is open closes it at once) {
  guarded g;
  const auto mine = g.sign_in();
  g.s.app->on_upgrade = [&](http::upgrade_ptr what) {
    const auto found = g.who->consume(what->head());
    CAF_CHECK(found.has_value());
    g.sign_out(mine);
    g.s.app->echo(g.sockets->bind(std::move(what), *found));
  };
  socket_of a{g, "Cookie: " + mine};
  CAF_CHECK_EQUAL(a.status, 101u);
  CAF_CHECK_EQUAL(a.closed(), 4401u);
}

CAF_TEST(a socket that is gone is not told) {
  guarded g;
  const auto mine = g.sign_in();
  {
    socket_of a{g, "Cookie: " + mine};
    CAF_CHECK(a.echoes());
  }
  CAF_CHECK(g.s.empties());
  g.sign_out(mine);
  CAF_CHECK(g.s.app->seen.wait_for("closed 1006"));
}

namespace {

/// A stream as the gateway sees it, asked by hand.
struct stream_of {
  struct source final : http::body_source {
    source(stream_of& a, bool e) : app{a}, events{e} {}
    ~source() override { app.gone = true; }
    void next(done then) override { app.asked = std::move(then); }
    bool endless() const noexcept override { return events; }
    stream_of& app;
    bool events;
  };

  stream_of(const guarded& g, const std::string& cookie, bool events) {
    const auto who
      = g.who->identify(g.plain({{"Cookie", cookie}, {"Origin", "http://" + g.own()}}), false);
    CAF_REQUIRE(who);
    http::streaming_response out;
    out.stream = std::make_shared<source>(*this, events);
    bound = g.sockets->bind(std::move(out), *who);
  }

  void ask() {
    bound.stream->next([this](result<std::string> piece) { got.push_back(std::move(piece)); });
  }

  http::body_source::done asked;
  std::vector<result<std::string>> got;
  bool gone = false;
  http::streaming_response bound; ///< goes first
};

} // namespace

CAF_TEST(an event stream ends with its session and says why) {
  guarded g;
  const auto mine = g.sign_in();
  stream_of events{g, mine, true};
  stream_of other{g, g.sign_in(), true};
  events.ask();
  events.asked(std::string{"event: log\n\n"});
  CAF_REQUIRE_EQUAL(events.got.size(), 1u);
  CAF_CHECK_EQUAL(*events.got[0], "event: log\n\n");
  events.ask();
  other.ask();
  const auto late = std::move(events.asked);
  g.sign_out(mine);
  CAF_REQUIRE_EQUAL(events.got.size(), 2u);
  CAF_CHECK(events.got[1]->rfind("event: end\ndata: {\"code\":\"token_invalid\"", 0) == 0);
  CAF_CHECK(events.gone);
  late(std::string{"too late"});
  events.ask();
  CAF_REQUIRE_EQUAL(events.got.size(), 3u);
  CAF_CHECK(events.got[2]->empty());
  CAF_CHECK(other.got.empty());
  CAF_CHECK(!other.gone);
}

CAF_TEST(an event stream that is not waited for ends when it is asked next) {
  guarded g;
  const auto mine = g.sign_in();
  stream_of events{g, mine, true};
  g.sign_out(mine);
  CAF_CHECK(events.got.empty());
  events.ask();
  events.ask();
  CAF_REQUIRE_EQUAL(events.got.size(), 2u);
  CAF_CHECK(events.got[0]->rfind("event: end\n", 0) == 0);
  CAF_CHECK(events.got[1]->empty());
}

CAF_TEST(a streamed body is broken off with its session) {
  guarded g;
  const auto mine = g.sign_in();
  stream_of body{g, mine, false};
  body.ask();
  g.sign_out(mine);
  CAF_REQUIRE_EQUAL(body.got.size(), 1u);
  CAF_CHECK(body.got[0].has_error());
}

CAF_TEST(a stream that is gone is not told) {
  guarded g;
  const auto mine = g.sign_in();
  stream_of events{g, mine, true};
  events.ask();
  events.bound.stream.reset();
  CAF_CHECK(events.gone);
  g.sign_out(mine);
  CAF_CHECK(events.got.empty());
}
