// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE viewers

// The viewers actor and signaling actors with browsers that are not there, in virtual time.

#include "actors/viewers.hpp"

#include "tests/actors/actor_fixture.hpp"

#include <map>

using namespace holt;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

/// The browser's socket: remembers what it was told, answers a close at once.
struct fake_socket : http::ws_connection {
  bool send_text(std::shared_ptr<const std::string> text) override {
    auto message = json::parse(*text);
    heard += (heard.empty() ? "" : " ") + message["event"].get<std::string>();
    return true;
  }
  bool send_binary(std::shared_ptr<const std::string>) override { return false; }
  void acknowledge(unsigned n) override { acknowledged += n; }
  void close(std::uint16_t code, std::string reason) override {
    if (closed != 0)
      return;
    closed = code;
    why = std::move(reason);
    if (answers)
      hang_up(code);
  }
  std::size_t outbox() const override { return 0; }

  void hang_up(std::uint16_t code) {
    if (auto done = std::exchange(handlers.on_close, nullptr))
      done({code, ""});
  }

  http::ws_handlers handlers;
  std::string heard;
  std::string why;
  std::uint16_t closed = 0;
  unsigned acknowledged = 0;
  bool answers = true;
};

struct fake_upgrade : http::upgrade {
  const http::request& head() const override { return request; }
  void accept(http::ws_limits, http::ws_handlers handlers, std::function<void(http::ws_ptr)> opened,
              std::vector<http::header>) override {
    accepted = true;
    socket->handlers = std::move(handlers);
    if (late)
      socket->hang_up(1006);
    else
      opened(socket);
  }
  void refuse(http::response why) override { refused = why.status; }

  http::request request;
  std::shared_ptr<fake_socket> socket = std::make_shared<fake_socket>();
  bool late = false; ///< the browser is gone before it is accepted
  bool accepted = false;
  unsigned refused = 0;
};

struct fixture : test::actor_fixture {
  caf::actor viewers;
  std::map<std::string, supervision::child_port_ptr> children;
  std::map<std::string, int> ends;
  std::vector<std::shared_ptr<fake_upgrade>> browsers;
  engine_status engine;
  error refusal; ///< of the tree, when its code is set

  void start(std::size_t max_viewers = 10) {
    viewers_deps deps;
    deps.control.set(keep(spawn_control(sys, {})));
    deps.activity.set(keep(spawn_activity(sys)));
    deps.max_viewers = max_viewers;
    deps.add_child = [this](supervision::child_spec spec, auto done) {
      if (refusal.code != errc::none)
        return done(refusal);
      children[spec.id] = spec.port;
      spec.port->start(generation{1}, [this, id = spec.id](generation, const auto& what) {
        if (std::holds_alternative<supervision::exited>(what))
          ++ends[id];
      });
      done({});
    };
    engine.info.reason = "starting";
    viewers = keep(spawn_viewers(sys, deps, engine));
    drain();
  }
  std::shared_ptr<fake_upgrade> open(bool late = false) {
    auto request = std::make_shared<fake_upgrade>();
    request->late = late;
    browsers.push_back(request);
    caf::anon_send(viewers, viewers_open{request, {control::viewer_id{}, "", true, false, false}});
    drain();
    return request;
  }
  std::size_t count() {
    std::size_t out = 99;
    caf::anon_send(viewers, viewers_query{[&](std::size_t n, const engine_status&) { out = n; }});
    drain();
    return out;
  }
  void set_engine(bool ready, bool stopped = false) {
    engine.info.ready = ready;
    engine.stopped = stopped;
    caf::anon_send(viewers, viewers_engine{engine});
    drain();
  }
  ~fixture() {
    drain();
    for (const auto& one : browsers)
      one->socket->hang_up(1001);
    drain();
    for (const auto& [id, port] : children)
      port->kill(generation{1});
    drain();
    end();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(viewers_tests, fixture)

CAF_TEST(a browser waits for the engine and sees progress) {
  start();
  auto browser = open();
  CAF_CHECK_EQUAL(browser->socket->heard, "holt/session holt/waiting");
  CAF_CHECK_EQUAL(count(), 1u);
  after(2'100ms);
  CAF_CHECK_EQUAL(browser->socket->heard, "holt/session holt/waiting holt/waiting holt/waiting");
  CAF_CHECK_EQUAL(browser->socket->closed, 0u);
}

CAF_TEST(an engine that never comes is told apart and the viewer ends) {
  start();
  auto browser = open();
  after(15'100ms);
  CAF_CHECK_EQUAL(browser->socket->closed, info(errc::engine_unavailable).ws_close);
  CAF_CHECK(browser->socket->heard.find("holt/error system/disconnect") != std::string::npos);
  CAF_CHECK_EQUAL(ends["signaling/1"], 1);
  CAF_CHECK_EQUAL(count(), 0u);
}

CAF_TEST(a browser that leaves ends its actor) {
  start();
  auto browser = open();
  auto other = open();
  CAF_CHECK_EQUAL(count(), 2u);
  browser->socket->hang_up(1000);
  drain();
  CAF_CHECK_EQUAL(ends["signaling/1"], 1);
  CAF_CHECK_EQUAL(count(), 1u);
  CAF_CHECK_EQUAL(other->socket->closed, 0u);
}

CAF_TEST(a browser that left before it was accepted ends its actor) {
  start();
  open(true);
  CAF_CHECK_EQUAL(ends["signaling/1"], 1);
  CAF_CHECK_EQUAL(count(), 0u);
}

CAF_TEST(junk closes that viewer alone) {
  start();
  auto bad = open();
  auto good = open();
  bad->socket->handlers.on_message("no json", false);
  drain();
  CAF_CHECK_EQUAL(bad->socket->closed, 1008u);
  CAF_CHECK_EQUAL(good->socket->closed, 0u);
  CAF_CHECK_EQUAL(count(), 1u);
}

CAF_TEST(each message of the browser is acknowledged once) {
  start();
  auto browser = open();
  for (int i = 0; i < 5; ++i)
    browser->socket->handlers.on_message(R"({"event":"system/logs","payload":{}})", false);
  drain();
  CAF_CHECK_EQUAL(browser->socket->acknowledged, 5u);
}

CAF_TEST(a stopped engine refuses and closes with its reason) {
  start();
  auto before = open();
  set_engine(false, true);
  CAF_CHECK_EQUAL(before->socket->closed, info(errc::conflict).ws_close);
  auto behind = open();
  CAF_CHECK_EQUAL(behind->refused, 409u);
  CAF_CHECK(!behind->accepted);
  CAF_CHECK_EQUAL(count(), 0u);
}

CAF_TEST(a log in that fails is told to the browser) {
  start();
  auto browser = open();
  set_engine(true); // without a client: no account can be made
  CAF_CHECK_EQUAL(browser->socket->closed, info(errc::engine_unavailable).ws_close);
  CAF_CHECK_EQUAL(ends["signaling/1"], 1);
}

CAF_TEST(the number of viewers is limited) {
  start(2);
  open();
  auto second = open();
  auto third = open();
  CAF_CHECK_EQUAL(third->refused, info(errc::busy).http);
  second->socket->hang_up(1001);
  drain();
  children.erase("signaling/2"); // as the tree does with a temporary child
  CAF_CHECK_EQUAL(open()->refused, 0u);
}

CAF_TEST(a burst does not pass the limit) {
  start(2);
  for (int i = 0; i < 5; ++i) {
    browsers.push_back(std::make_shared<fake_upgrade>());
    caf::anon_send(viewers, viewers_open{browsers.back(), {}});
  }
  drain();
  int refused = 0;
  for (const auto& one : browsers)
    refused += one->refused == info(errc::busy).http ? 1 : 0;
  CAF_CHECK_EQUAL(refused, 3);
  CAF_CHECK_EQUAL(count(), 2u);
}

CAF_TEST(a tree that takes no more refuses the browser) {
  start();
  refusal = {errc::shutting_down, "the daemon stops"};
  for (int i = 0; i < 20; ++i)
    CAF_CHECK_EQUAL(open()->refused, info(errc::shutting_down).http);
  refusal = {};
  CAF_CHECK_EQUAL(open()->refused, 0u);
}

CAF_TEST(goodbye is over when all are gone) {
  start();
  auto first = open();
  auto second = open();
  second->socket->answers = false;
  int over = 0;
  caf::anon_send(viewers, viewers_goodbye{1012, "restart", 1'000ms, [&] { ++over; }});
  drain();
  CAF_CHECK_EQUAL(first->socket->closed, 1012u);
  CAF_CHECK_EQUAL(second->socket->closed, 1012u);
  CAF_CHECK_EQUAL(second->socket->why, "restart");
  CAF_CHECK_EQUAL(over, 0);
  second->socket->hang_up(1012);
  drain();
  CAF_CHECK_EQUAL(over, 1);
  after(1'100ms);
  CAF_CHECK_EQUAL(over, 1);
}

CAF_TEST(goodbye does not wait longer than its limit) {
  start();
  open()->socket->answers = false;
  int over = 0;
  caf::anon_send(viewers, viewers_goodbye{1001, "bye", 1'000ms, [&] { ++over; }});
  after(950ms);
  CAF_CHECK_EQUAL(over, 0);
  after(100ms);
  CAF_CHECK_EQUAL(over, 1);
}

CAF_TEST(goodbye to nobody is over at once) {
  start();
  int over = 0;
  caf::anon_send(viewers, viewers_goodbye{1001, "bye", 1'000ms, [&] { ++over; }});
  drain();
  CAF_CHECK_EQUAL(over, 1);
}

CAF_TEST(the tree stops a viewer with 1001) {
  start();
  auto browser = open();
  children["signaling/1"]->stop(generation{1});
  drain();
  CAF_CHECK_EQUAL(browser->socket->closed, 1001u);
  CAF_CHECK_EQUAL(ends["signaling/1"], 1);
}

CAF_TEST(a killed viewer closes its socket) {
  start();
  auto browser = open();
  children["signaling/1"]->kill(generation{1});
  drain();
  CAF_CHECK_EQUAL(browser->socket->closed, 1011u);
  CAF_CHECK_EQUAL(ends["signaling/1"], 1);
  CAF_CHECK_EQUAL(count(), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
