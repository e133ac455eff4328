// SPDX-License-Identifier: Apache-2.0
#pragma once

// A Realtime client on two threads of its own and what was heard of it. The end of it leaves no
// thread and no socket.

#include "link/realtime_client.hpp"
#include "realtime_server.hpp"

#include <cstdlib>
#include <optional>

namespace holt::test {

using namespace std::chrono_literals;

class realtime_rig {
public:
  realtime_rig() {
    how.key = log::secret{"anon+key/="};
    how.session = "s1";
    how.presence_key = "sbx-7";
    how.seed = 7;
    how.hurry = 20;
    log::stderr_level(std::getenv("HOLT_TEST_LOG") ? log::level::debug : log::level::off);
  }
  ~realtime_rig() {
    if (port_)
      port_->close();
    port_.reset();
    work_.reset();
    for (auto& one : threads_)
      if (one.joinable())
        one.join();
    blocking_.join();
  }

  /// For what must not miss a limit of the client: this machine may stand still for a second.
  void take_your_time() { how.hurry = 2; }

  bool start(const std::string& url) {
    how.url = url;
    link::link_events events;
    events.on_up = [this](link::link_limits) { seen.add("up " + std::to_string(++ups)); };
    events.on_down = [this](error why, std::chrono::system_clock::time_point) {
      {
        const std::lock_guard lock{mutex_};
        details_ += why.detail + "\n";
      }
      seen.add("down " + std::string{why.word()});
    };
    events.on_message = [this](link::link_message what) {
      ++messages;
      seen.add("message " + what.event + " " + what.payload.substr(0, 200));
    };
    events.on_presence = [this](std::vector<link::link_presence> all) {
      std::string text = "present";
      for (const auto& one : all)
        text += " " + one.key + "=" + one.meta.value("id", "");
      seen.add(text);
    };
    auto port = link::start_realtime_client(io_, blocking_, how, events);
    if (!port) {
      seen.add("refused " + std::string{port.error().word()} + " " + port.error().detail);
      details_ = port.error().detail;
      return false;
    }
    port_ = *port;
    for (auto& one : threads_)
      one = std::thread{[this] { io_.run(); }};
    return true;
  }

  bool send(const std::string& payload) {
    return port_->send("result", std::make_shared<const std::string>(payload));
  }
  link::link_port& port() { return *port_; }
  std::string details() const {
    const std::lock_guard lock{mutex_};
    return details_;
  }
  /// Looks until `done`, at most as long as the tests' limit.
  static bool eventually(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < end) {
      if (done())
        return true;
      std::this_thread::yield();
    }
    return false;
  }

  link::realtime_options how;
  events seen;
  std::atomic<int> ups{0};
  std::atomic<int> messages{0};

private:
  boost::asio::io_context io_{2};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
    io_.get_executor()};
  boost::asio::thread_pool blocking_{1};
  mutable std::mutex mutex_;
  std::string details_;
  link::link_port_ptr port_;
  std::array<std::thread, 2> threads_;
};

} // namespace holt::test
