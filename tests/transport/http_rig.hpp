// SPDX-License-Identifier: Apache-2.0
#pragma once

// A listener with a small service on its own two threads, and a raw blocking client: what the
// tests of the gateway share. Every wait has a limit of twenty seconds.

#include "transport/listener.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <functional>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace rig {

using namespace holt;
using namespace std::chrono_literals;

constexpr auto limit = 20s;

inline std::shared_ptr<const std::string> text(std::string s) {
  return std::make_shared<const std::string>(std::move(s));
}

/// Something that tests wait for.
class events {
public:
  void add(std::string what) {
    const std::lock_guard lock{mutex_};
    all_.push_back(std::move(what));
    changed_.notify_all();
  }
  bool wait_for(const std::string& what) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, limit, [&] {
      for (const auto& one : all_)
        if (one == what)
          return true;
      return false;
    }) || show(what);
  }
  std::vector<std::string> all() const {
    const std::lock_guard lock{mutex_};
    return all_;
  }

private:
  bool show(const std::string& missed) const {
    std::cerr << "no event \"" << missed << "\" among:\n";
    for (const auto& one : all_)
      std::cerr << "  " << one << "\n";
    return false;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> all_;
};

/// Answers by path: /echo the body, /slow never (until let go), /drop without an answer,
/// /ws an echoing WebSocket, /refuse a refused one, /marker counts.
class test_service : public http::service {
public:
  result<std::uint64_t> admit(const http::request& head) override {
    if (head.path == "/nope")
      return error{errc::not_found, {}};
    if (head.path == "/get-only" && head.method != "GET")
      return error{errc::method_not_allowed, {}};
    return body_limit;
  }
  bool knows(const http::request& head) override { return head.header_value("X-Stranger").empty(); }
  std::vector<http::header> refusal_headers(const http::request&, const error& why) override {
    if (why.code == errc::method_not_allowed)
      return {{"Allow", "GET"}};
    return {};
  }
  void handle(http::request what, http::reply answer) override {
    ++handled;
    seen.add(what.method + " " + what.path);
    if (what.path == "/marker")
      ++markers;
    if (what.path == "/slow") {
      const std::lock_guard lock{mutex_};
      held.push_back(std::move(answer));
      return;
    }
    if (what.path == "/drop")
      return;
    http::response out;
    if (what.path == "/cors")
      out.headers = {{"access-control-allow-origin", "*"}};
    if (what.path == "/close")
      out.close = true;
    if (what.path == "/big")
      out.body = text(std::string(8 * 1024 * 1024, 'x'));
    else if (what.path == "/bad-header")
      out.headers = {{"X-Evil", "a\r\nX-Injected: 1"}, {"X-Good", "1"}};
    else
      out.body = text(what.method + " " + what.path + " " + what.body);
    answer(std::move(out));
  }
  void handle_upgrade(http::upgrade_ptr what) override {
    if (on_upgrade) {
      on_upgrade(std::move(what));
      return;
    }
    if (what->head().path == "/refuse") {
      what->refuse(http::problem({errc::token_invalid, {}}));
      return;
    }
    if (what->head().path == "/forget")
      return;
    echo(std::move(what));
  }

  void echo(http::upgrade_ptr what) {
    const auto self = std::make_shared<http::ws_ptr>();
    http::ws_handlers handlers;
    handlers.on_message = [self, this](std::string payload, bool binary) {
      auto bytes = text(std::move(payload));
      if (binary)
        (*self)->send_binary(bytes);
      else
        (*self)->send_text(bytes);
      (*self)->acknowledge(1);
    };
    handlers.on_close = [self, this](http::close_reason why) {
      seen.add("closed " + std::to_string(why.code) + " " + why.text);
      seen.add("closed " + std::to_string(why.code));
      self->reset();
    };
    what->accept(limits, std::move(handlers), [self, this](http::ws_ptr ws) {
      *self = ws;
      {
        const std::lock_guard lock{mutex_};
        last = ws;
      }
      seen.add("opened");
    });
  }

  http::ws_ptr last_socket() {
    const std::lock_guard lock{mutex_};
    return last.lock();
  }
  void ended() {}
  void let_go() {
    std::vector<http::reply> out;
    {
      const std::lock_guard lock{mutex_};
      out.swap(held);
    }
    for (auto& one : out)
      one(http::response{});
  }

  std::uint64_t body_limit = 1024 * 1024;
  http::ws_limits limits;
  std::function<void(http::upgrade_ptr)> on_upgrade;
  events seen;
  std::atomic<int> handled{0};
  std::atomic<int> markers{0};

private:
  std::mutex mutex_;
  std::vector<http::reply> held;
  std::weak_ptr<http::ws_connection> last;
};

/// A service behind a real listener, on two threads. The service is asked to let go of what it
/// holds before the listener closes, and told when that is done.
template <class Service>
class server_of {
public:
  explicit server_of(http::listener_options options = {},
                     std::shared_ptr<Service> what = std::make_shared<Service>())
    : app{std::move(what)}, listener{io, std::move(options), app} {}
  ~server_of() {
    app->let_go();
    listener.close_all(1001, "test over", [this] {
      app->ended();
      work_.reset();
    });
    for (auto& one : threads_)
      if (one.joinable())
        one.join();
  }
  void start() {
    const auto bound = listener.start();
    if (!bound)
      throw std::runtime_error(bound.error().detail);
    port = bound->port();
    for (auto& one : threads_)
      one = std::thread{[this] { io.run(); }};
  }
  /// True once `done` holds; polls, for what nothing announces. It may take the counters.
  template <class Done>
  bool settles(Done done) const {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < end) {
      if constexpr (std::is_invocable_v<Done, http::listener_stats>) {
        if (done(listener.stats()))
          return true;
      } else if (done()) {
        return true;
      }
      std::this_thread::yield();
    }
    return false;
  }
  bool empties() const {
    return settles([](const auto& s) { return s.open == 0; });
  }

  boost::asio::io_context io{2};
  std::shared_ptr<Service> app;
  http::listener listener;
  std::uint16_t port = 0;

private:
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io.get_executor()};
  std::thread threads_[2];
};

class server : public server_of<test_service> {
public:
  explicit server(http::listener_options options = {}) : server_of{std::move(options)} { start(); }
  explicit server(std::shared_ptr<test_service> what, http::listener_options options = {})
    : server_of{std::move(options), std::move(what)} {
    start();
  }
};

/// A blocking TCP client that says exactly what it is told.
class raw_client {
public:
  explicit raw_client(std::uint16_t port, int receive_buffer = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    timeval t{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0)
      throw std::runtime_error("connect failed");
  }
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;
  ~raw_client() { hang_up(); }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0)
        return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  void finish_sending() { ::shutdown(fd_, SHUT_WR); }
  void hang_up() {
    if (fd_ >= 0)
      ::close(fd_);
    fd_ = -1;
  }
  void reset() { // RST instead of FIN
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    hang_up();
  }

  /// At least `n` bytes in `pending`, or false at the end or after the limit.
  bool need(std::size_t n) {
    char chunk[4096];
    while (pending.size() < n) {
      const auto got = ::recv(fd_, chunk, sizeof(chunk), 0);
      if (got <= 0) {
        ended = got == 0 || errno == ECONNRESET;
        return false;
      }
      pending.append(chunk, static_cast<std::size_t>(got));
    }
    return true;
  }
  std::string take(std::size_t n) {
    if (!need(n))
      return {};
    auto out = pending.substr(0, n);
    pending.erase(0, n);
    return out;
  }
  /// All until the peer closes; `ended` is false when it did not within the limit.
  std::string rest() {
    while (need(pending.size() + 1)) {
    }
    return std::exchange(pending, {});
  }

  struct answer {
    unsigned status = 0;
    std::string head;
    std::string body;
  };
  /// One HTTP answer; status 0 when there is none.
  answer read_answer(bool body = true) {
    std::size_t end = 0;
    while ((end = pending.find("\r\n\r\n")) == std::string::npos)
      if (!need(pending.size() + 1))
        return {};
    answer out;
    out.head = take(end + 4);
    out.status = static_cast<unsigned>(std::stoul(out.head.substr(9, 3)));
    const auto at = out.head.find("Content-Length: ");
    if (body && at != std::string::npos)
      out.body = take(std::stoul(out.head.substr(at + 16)));
    return out;
  }
  answer ask(std::string_view request) {
    send(request);
    return read_answer();
  }

  std::string pending;
  bool ended = false;

private:
  int fd_ = -1;
};

inline std::string get(std::string_view path, std::string_view more = "") {
  return "GET " + std::string{path} + " HTTP/1.1\r\nHost: localhost\r\n" + std::string{more}
         + "\r\n";
}

inline std::string handshake(std::string_view path, std::string_view more = "") {
  return get(path, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                     + std::string{more});
}

} // namespace rig
