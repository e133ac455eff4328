// SPDX-License-Identifier: Apache-2.0
#pragma once

// A room on a fake desktop with fake sockets.

#include "stream/room.hpp"

#include <boost/asio/post.hpp>

#include <memory>
#include <string>
#include <vector>

namespace holt::test {

using nlohmann::json;

inline std::string shown(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Like CAF_CHECK_EQUAL, for all that JSON can hold (CAF would print a json value for ever).
#define HOLT_SAME(a, b) CAF_CHECK_EQUAL(::holt::test::shown(a), ::holt::test::shown(b))

struct fake_media : stream::room_media {
  std::vector<std::string> acts;
  std::optional<error> broken;
  std::string clip;

  result<void> healthy() const override {
    if (broken)
      return *broken;
    return {};
  }
  stream::screen_size size() const override { return {1280, 720, 30}; }
  void resize(stream::screen_size wanted, resized done) override { done(wanted); }
  void shot(int, shot_taken done) override { done(std::vector<std::uint8_t>{0xff, 0xd8}); }
  void move(std::uint64_t, int x, int y) override {
    acts.push_back("move " + std::to_string(x) + ' ' + std::to_string(y));
  }
  void scroll(std::uint64_t, int dx, int dy, bool) override {
    acts.push_back("scroll " + std::to_string(dx) + ' ' + std::to_string(dy));
  }
  void key(std::uint64_t, std::uint32_t keysym, bool down) override {
    acts.push_back((down ? "down " : "up ") + std::to_string(keysym));
  }
  void button(std::uint64_t, std::uint32_t number, bool down) override {
    acts.push_back((down ? "press " : "let go ") + std::to_string(number));
  }
  void release(std::uint64_t) override { acts.emplace_back("release"); }
  void forget(std::uint64_t) override { acts.emplace_back("forget"); }
  void set_dom_wheel(std::uint64_t, bool on) override {
    if (on)
      acts.emplace_back("dom wheel");
  }
  std::shared_ptr<const desktop::cursor_image> cursor() const override { return nullptr; }
  desktop::pointer_position pointer() const override { return {}; }
  result<void> set_clipboard(std::string text) override {
    clip = std::move(text);
    return {};
  }
  std::string clipboard() const override { return clip; }

  bool did(const std::string& what) const {
    return std::find(acts.begin(), acts.end(), what) != acts.end();
  }
};

struct fake_socket : http::ws_connection {
  std::vector<json> sent;
  std::uint16_t closed = 0;

  bool send_text(std::shared_ptr<const std::string> text) override {
    if (closed != 0)
      return false;
    sent.push_back(json::parse(*text));
    return true;
  }
  bool send_binary(std::shared_ptr<const std::string>) override { return false; }
  void acknowledge(unsigned) override {}
  void close(std::uint16_t code, std::string) override { closed = code; }
  std::size_t outbox() const override { return 0; }

  std::vector<std::string> events() const {
    std::vector<std::string> out;
    for (const auto& one : sent)
      out.push_back(one["event"]);
    return out;
  }
  /// The newest payload of this event; null when there is none.
  json last(const std::string& event) const {
    for (auto at = sent.rbegin(); at != sent.rend(); ++at)
      if ((*at)["event"] == event)
        return at->value("payload", json());
    return nullptr;
  }
};

struct fake_upgrade : http::upgrade {
  http::request request;
  std::shared_ptr<fake_socket> socket = std::make_shared<fake_socket>();
  std::shared_ptr<http::ws_handlers> handlers = std::make_shared<http::ws_handlers>();

  const http::request& head() const override { return request; }
  void accept(http::ws_limits, http::ws_handlers on, std::function<void(http::ws_ptr)> opened,
              std::vector<http::header>) override {
    *handlers = std::move(on);
    opened(socket);
  }
  void refuse(http::response) override { socket->closed = 1; }
};

/// One viewer's socket as the test holds it.
struct viewer {
  std::shared_ptr<fake_socket> socket;
  std::shared_ptr<http::ws_handlers> handlers;

  void say(const std::string& event, const json& payload = json::object()) const {
    handlers->on_message(json{{"event", event}, {"payload", payload}}.dump(), false);
  }
};

struct room_fixture {
  boost::asio::io_context io{1};
  fake_media media;
  std::unique_ptr<stream::peer_pool> pool;
  std::shared_ptr<stream::room> room;

  room_fixture() { start({}); }
  ~room_fixture() {
    room->shut_down("end");
    pool->close();
    io.poll();
  }

  void start(stream::room_settings rules) {
    room.reset();
    pool.reset(); // before the next one: the SCTP stack is one per process
    auto identity = stream::dtls_identity::make();
    pool = std::make_unique<stream::peer_pool>(io, *identity, stream::pool_handlers{});
    stream::pool_settings where;
    where.bind = {boost::asio::ip::make_address("127.0.0.1"), 0};
    if (!pool->open(where))
      throw std::runtime_error{"no UDP socket"};
    room = std::make_shared<stream::room>(io, *pool, media, rules, "secret");
  }

  stream::session& api() { return *room->registry().find_token("secret"); }

  static json control_profile() {
    return {{"can_login", true}, {"can_connect", true}, {"can_watch", true}, {"can_host", true}};
  }

  /// A member that is logged in; answers its token.
  std::string account(const std::string& name, const json& who = control_profile()) {
    auto made = room->registry().create(name, "pw", *stream::merge_profile({}, who));
    if (!made)
      throw std::runtime_error{made.error().message};
    return (*room->login(name, "pw"))->token;
  }

  viewer open(const std::string& token) {
    auto request = std::make_shared<fake_upgrade>();
    request->request.path = "/api/ws";
    request->request.headers = {{"Authorization", "Bearer " + token}};
    viewer out{request->socket, request->handlers};
    room->open(request);
    turn();
    return out;
  }

  viewer join(const std::string& name, const json& who = control_profile()) {
    return open(account(name, who));
  }

  void turn() {
    io.restart();
    io.poll();
  }

  /// Turns the loop until `done` holds; false after 20 s.
  template <class F>
  bool until(F done) {
    auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    io.restart();
    while (!done()) {
      if (std::chrono::steady_clock::now() > limit)
        return false;
      io.run_one_for(std::chrono::milliseconds{20});
    }
    return true;
  }
};

} // namespace holt::test
