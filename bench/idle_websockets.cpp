// SPDX-License-Identifier: Apache-2.0

// What an idle WebSocket costs in memory on each side: a server and a client process on loopback,
// growth of their resident memory per connection. idle_websockets [COUNT]; prints two numbers.

#include "transport/listener.hpp"
#include "transport/ws_client.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/resource.h>
#include <sys/wait.h>

#include <fstream>
#include <iostream>
#include <unistd.h>

namespace {

using namespace holt;
using namespace std::chrono_literals;
namespace asio = boost::asio;

constexpr std::size_t warm_up = 100; // first pages of heap and code
constexpr std::size_t in_flight = 16;

double resident_kib() {
  std::ifstream in{"/proc/self/statm"};
  double size = 0;
  double resident = 0;
  in >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024;
}

class service final : public http::service {
public:
  result<std::uint64_t> admit(const http::request&) override { return std::uint64_t{0}; }
  void handle(http::request, http::reply answer) override { answer({}); }
  void handle_upgrade(http::upgrade_ptr what) override {
    http::ws_handlers handlers;
    handlers.on_message = [](std::string, bool) {};
    what->accept({}, std::move(handlers), [this](const http::ws_ptr& ws) {
      // Each has been used: buffers that stay are counted.
      ws->send_text(std::make_shared<const std::string>(1000, 'x'));
      ++open;
    });
  }
  std::size_t open = 0;
};

/// Opens `count` sockets one batch after the other, calls `half` and `whole` on the way.
struct opener {
  asio::io_context io;
  std::uint16_t port = 0;
  std::size_t count = 0;
  std::size_t asked = 0;
  std::vector<http::ws_ptr> open;
  std::vector<std::shared_ptr<http::ws_ptr>> boxes;
  std::size_t greeted = 0;
  double before = 0;

  void more() {
    if (asked == count)
      return;
    ++asked;
    auto box = std::make_shared<http::ws_ptr>();
    boxes.push_back(box);
    http::ws_handlers handlers;
    handlers.on_message = [this, box](std::string, bool) {
      (*box)->acknowledge(1);
      if (++greeted == warm_up)
        before = resident_kib();
      if (greeted == count)
        io.stop();
      else
        more();
    };
    handlers.on_close = [](const http::close_reason& why) {
      std::cerr << "closed " << why.code << " " << why.text << "\n";
      std::_Exit(1);
    };
    http::ws_target to;
    to.port = port;
    to.connect_timeout = 30s;
    http::ws_connect(io.get_executor(), to, {}, handlers, [this, box](result<http::ws_ptr> got) {
      if (!got) {
        std::cerr << got.error().detail << "\n";
        std::_Exit(1);
      }
      *box = *got;
      open.push_back(*got);
    });
  }
};

int client(int from_server, int to_server, std::size_t count) {
  opener all;
  all.count = count;
  if (read(from_server, &all.port, sizeof(all.port)) != sizeof(all.port))
    return 1;
  for (std::size_t i = 0; i < in_flight; ++i)
    all.more();
  all.io.run();
  const auto each = (resident_kib() - all.before) / static_cast<double>(count - warm_up);
  return write(to_server, &each, sizeof(each)) == sizeof(each) && read(from_server, &count, 1) >= 0
           ? 0
           : 1;
}

} // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::stoul(argv[1]) : 2'000;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  int down[2];
  int up[2];
  if (count <= warm_up || pipe(down) != 0 || pipe(up) != 0)
    return 64;
  const auto child = fork();
  if (child == 0) {
    close(down[1]);
    close(up[0]);
    std::_Exit(client(down[0], up[1], count));
  }
  close(up[1]);
  asio::io_context io;
  auto app = std::make_shared<service>();
  http::listener_options options;
  options.max_connections = count + 10;
  http::listener listener{io, options, app};
  const auto bound = listener.start();
  if (!bound) {
    std::cerr << bound.error().detail << "\n";
    return 69;
  }
  const auto port = bound->port();
  if (write(down[1], &port, sizeof(port)) != sizeof(port))
    return 1;
  double before = 0;
  while (app->open < count) {
    io.run_one_for(10s);
    if (before == 0 && app->open >= warm_up)
      before = resident_kib();
  }
  io.run_for(100ms);
  const auto server_each = (resident_kib() - before) / static_cast<double>(count - warm_up);
  double client_each = 0;
  if (read(up[0], &client_each, sizeof(client_each)) != sizeof(client_each))
    return 1;
  close(down[1]);
  waitpid(child, nullptr, 0);
  std::cout << count << " idle WebSockets: server " << server_each << " KiB each, client "
            << client_each << " KiB each\n";
  std::cout.flush();
  std::_Exit(0);
}
