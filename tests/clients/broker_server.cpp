// SPDX-License-Identifier: Apache-2.0

// A broker of its own process for the tests with unmodified clients:
//   broker_server [--port N] [--any-key] [--mimic-kind4] [--mailbox FILE] [--no-daemon]
//                 [--join-rate N]
// Prints one JSON line {port, agent, daemon, app, short} (keys; `short` expires after six seconds
// and belongs to app) and then serves. A local member of `sandbox:s1` answers each `cmd` with a
// `result` of the same id. Lines on stdin: `restart` closes every socket with 1012, `end` ends.

#include "broker/broker.hpp"
#include "broker/keys.hpp"
#include "transport/listener.hpp"

#include <nlohmann/json.hpp>

#include <atomic>
#include <cstring>
#include <iostream>
#include <thread>

using namespace holt;

namespace {

constexpr const char* secret = "a secret of the tests";

class gate final : public http::service {
public:
  result<std::uint64_t> admit(const http::request&) override { return 8u << 20; }
  void handle(http::request what, http::reply answer) override {
    to->handle(std::move(what), std::move(answer));
  }
  void handle_upgrade(http::upgrade_ptr what) override {
    if (what->head().path.ends_with("/websocket"))
      to->handle_upgrade(std::move(what));
    else
      what->refuse(http::problem({errc::not_found, {}}));
  }
  std::shared_ptr<broker::broker> to;
};

} // namespace

int main(int argc, char** argv) {
  broker::broker_options how;
  how.jwt_secret = log::secret{secret};
  http::listener_options options;
  bool daemon = true;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--any-key")
      how.any_key = true;
    else if (word == "--mimic-kind4")
      how.mimic_kind4 = true;
    else if (word == "--no-daemon")
      daemon = false;
    else if (word == "--mailbox" && i + 1 < argc)
      how.mailbox_file = argv[++i];
    else if (word == "--join-rate" && i + 1 < argc)
      how.joins_per_second = static_cast<unsigned>(std::stoi(argv[++i]));
    else if (word == "--port" && i + 1 < argc)
      options.port = static_cast<std::uint16_t>(std::stoi(argv[++i]));
    else
      return 64;
  }
  boost::asio::io_context io{2};
  const auto app = std::make_shared<gate>();
  auto made = broker::broker::make(io, how);
  if (!made) {
    std::cerr << made.error().detail << '\n';
    return 1;
  }
  app->to = *made;
  http::listener listener{io, options, app};
  const auto bound = listener.start();
  if (!bound) {
    std::cerr << bound.error().detail << '\n';
    return 69;
  }
  link::link_port_ptr port;
  if (daemon) {
    link::link_events events;
    events.on_message = [&port](link::link_message came) {
      link::held_message held{std::move(came)};
      const auto m = held.what();
      held.settle();
      const auto what = nlohmann::json::parse(m.payload, nullptr, false);
      if (!port || !what.is_object() || m.event != "cmd")
        return;
      const nlohmann::json out{
        {"type", "result"}, {"id", what.value("id", "")}, {"ok", true}, {"replayed", m.replayed}};
      port->send("result", std::make_shared<const std::string>(out.dump()));
    };
    port = app->to->join_local("s1", std::move(events));
    port->set_presence({{"role", "sandbox"}, {"id", "sbx-1"}, {"boot", "b1"}});
  }
  const broker::keyring keys{log::secret{secret}, false};
  std::cout << nlohmann::json{{"port", bound->port()},
                              {"agent", app->to->agent_key("s1")},
                              {"daemon", app->to->daemon_key()},
                              {"app", app->to->app_key()},
                              {"short", keys.make("app", {}, std::chrono::seconds{6})}}
                 .dump()
            << std::endl;
  std::thread threads[2];
  for (auto& one : threads)
    one = std::thread{[&] { io.run(); }};
  std::string line;
  while (std::getline(std::cin, line) && line != "end")
    if (line == "restart")
      app->to->close_all([] { std::cout << "closed" << std::endl; });
  port.reset();
  listener.close_all(1012, "the end", [&] { io.stop(); });
  for (auto& one : threads)
    one.join();
  return 0;
}
