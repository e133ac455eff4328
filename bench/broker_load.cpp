// SPDX-License-Identifier: Apache-2.0

// What the broker can do: a child process runs it with one thread, this one sends and counts.
//   broker_load [members] [bytes] [messages]     1 to members; also prints deliveries per second of
//                                                the broker's own processor time
//   broker_load rtt [rounds]                     there and back between two members
//   broker_load idle [connections]               memory of one joined connection

#include "broker/broker.hpp"
#include "transport/listener.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace holt;
using clk = std::chrono::steady_clock;

namespace {

const std::string topic = "realtime:load:1";

class gate final : public http::service {
public:
  result<std::uint64_t> admit(const http::request&) override { return 1u << 20; }
  void handle(http::request what, http::reply answer) override {
    to->handle(std::move(what), std::move(answer));
  }
  void handle_upgrade(http::upgrade_ptr what) override { to->handle_upgrade(std::move(what)); }
  std::shared_ptr<broker::broker> to;
};

[[noreturn]] void serve(int out) {
  boost::asio::io_context io{1};
  const auto app = std::make_shared<gate>();
  broker::broker_options how;
  how.jwt_secret = log::secret{"bench"};
  how.any_key = true;
  how.max_members = 20'000;
  how.outbox_bytes = 64u << 20;
  app->to = broker::broker::make(io, how).value();
  http::listener_options options;
  options.max_connections = 20'000;
  options.max_unauthenticated = 20'000;
  http::listener listener{io, options, app};
  const auto port = listener.start().value().port();
  if (::write(out, &port, sizeof(port)) != sizeof(port))
    ::_exit(1);
  io.run();
  ::_exit(0);
}

struct served {
  served() {
    int ends[2];
    if (::pipe(ends) != 0)
      throw std::runtime_error("pipe");
    pid = ::fork();
    if (pid == 0) {
      ::close(ends[0]);
      serve(ends[1]);
    }
    if (::read(ends[0], &port, sizeof(port)) != sizeof(port))
      throw std::runtime_error("the broker did not start");
  }
  ~served() {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  double cpu_seconds() const {
    std::ifstream in{"/proc/" + std::to_string(pid) + "/stat"};
    std::string word;
    double ticks = 0;
    for (int i = 1; i <= 15 && in >> word; ++i)
      if (i >= 14)
        ticks += std::stod(word);
    return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  double resident_kib() const {
    std::ifstream in{"/proc/" + std::to_string(pid) + "/statm"};
    double size = 0;
    double resident = 0;
    in >> size >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024;
  }
  pid_t pid = 0;
  std::uint16_t port = 0;
};

/// A masked frame with the key 0.
std::string frame(std::string_view text) {
  std::string out = "\x81";
  const auto n = text.size();
  if (n < 126) {
    out += static_cast<char>(0x80 | n);
  } else {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(n >> 8);
    out += static_cast<char>(n & 0xff);
  }
  return out.append(4, '\0').append(text);
}

struct peer {
  explicit peer(std::uint16_t port) {
    fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0)
      throw std::runtime_error("connect");
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    send("GET /socket/websocket?vsn=2.0.0&apikey=k HTTP/1.1\r\nHost: localhost\r\nConnection: "
         "Upgrade\r\n"
         "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    while (in.find("\r\n\r\n") == in.npos)
      receive();
    in.erase(0, in.find("\r\n\r\n") + 4);
    send(frame(R"(["1","1",")" + topic + R"(","phx_join",{"config":{}}])"));
    while (frames == 0) {
      receive();
      count();
    }
    frames = 0;
  }
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0)
        throw std::runtime_error("send");
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void receive() {
    char some[65536];
    const auto n = ::recv(fd, some, sizeof(some), 0);
    if (n <= 0)
      throw std::runtime_error("the broker closed");
    in.append(some, static_cast<std::size_t>(n));
  }
  /// Counts whole text frames and forgets them.
  void count() {
    std::size_t at = 0;
    while (in.size() - at >= 2) {
      std::size_t n = static_cast<unsigned char>(in[at + 1]) & 0x7fu;
      std::size_t head = 2;
      if (n == 126) {
        if (in.size() - at < 4)
          break;
        n = static_cast<unsigned char>(in[at + 2]) * 256u + static_cast<unsigned char>(in[at + 3]);
        head = 4;
      }
      if (in.size() - at < head + n)
        break;
      frames += (in[at] & 0x0f) == 1;
      at += head + n;
    }
    in.erase(0, at);
  }
  int fd = -1;
  std::string in;
  std::size_t frames = 0;
};

std::string message(std::size_t bytes) {
  return frame(R"(["1",null,")" + topic
               + R"(","broadcast",{"type":"broadcast","event":"e","payload":{"d":")"
               + std::string(bytes, 'x') + R"("}}])");
}

void load(std::size_t members, std::size_t bytes, std::size_t messages) {
  served broker;
  std::vector<std::unique_ptr<peer>> all;
  for (std::size_t i = 0; i < members; ++i)
    all.push_back(std::make_unique<peer>(broker.port));
  peer sender{broker.port};
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  for (std::size_t i = 0; i < members; ++i) {
    epoll_event what{};
    what.events = EPOLLIN;
    what.data.u64 = i;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, all[i]->fd, &what);
  }
  std::atomic<std::size_t> received{0};
  const auto one = message(bytes);
  constexpr std::size_t batch = 200;
  constexpr std::size_t window = 4'000; ///< messages under way
  std::string many;
  for (std::size_t i = 0; i < batch; ++i)
    many += one;
  messages -= messages % batch;
  const auto cpu = broker.cpu_seconds();
  const auto start = clk::now();
  std::thread out{[&] {
    for (std::size_t sent = 0; sent < messages; sent += batch) {
      while (sent * members > received.load() + window * members)
        std::this_thread::yield();
      sender.send(many);
    }
  }};
  const auto want = messages * members;
  std::size_t got = 0;
  while (got < want) {
    epoll_event ready[64];
    const int n = ::epoll_wait(poll, ready, 64, 10'000);
    if (n <= 0)
      throw std::runtime_error("nothing came for ten seconds");
    for (int i = 0; i < n; ++i) {
      auto& who = *all[ready[i].data.u64];
      who.receive();
      who.count();
      got += std::exchange(who.frames, 0);
    }
    received = got;
  }
  const std::chrono::duration<double> took = clk::now() - start;
  const auto used = broker.cpu_seconds() - cpu;
  out.join();
  std::printf("1 to %zu, %zu B: %.0f deliveries/s (%.0f messages/s in), %.0f deliveries per second "
              "of the broker's processor time, %zu of %zu\n",
              members, bytes, static_cast<double>(want) / took.count(),
              static_cast<double>(messages) / took.count(), static_cast<double>(want) / used, got,
              want);
}

void round_trips(std::size_t rounds) {
  served broker;
  peer a{broker.port};
  peer b{broker.port};
  const auto text = message(100);
  std::vector<double> times;
  for (std::size_t i = 0; i < rounds; ++i) {
    const auto start = clk::now();
    a.send(text);
    for (auto* to : {&b, &a}) {
      while (to->frames == 0) {
        to->receive();
        to->count();
      }
      to->frames = 0;
      if (to == &b)
        b.send(text);
    }
    times.push_back(std::chrono::duration<double, std::micro>(clk::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  const auto at = [&](double part) {
    return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
  };
  std::printf("there and back, 100 B: p50 %.0f us, p95 %.0f us, p99 %.0f us\n", at(0.5), at(0.95),
              at(0.99));
}

void idle(std::size_t connections) {
  served broker;
  std::vector<std::unique_ptr<peer>> all;
  for (int i = 0; i < 50; ++i) // what the first ones cost once
    all.push_back(std::make_unique<peer>(broker.port));
  const auto before = broker.resident_kib();
  for (std::size_t i = 0; i < connections; ++i)
    all.push_back(std::make_unique<peer>(broker.port));
  std::printf("%zu joined connections: %.1f KiB each\n", connections,
              (broker.resident_kib() - before) / static_cast<double>(connections));
}

} // namespace

int main(int argc, char** argv) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  const std::string mode = argc > 1 ? argv[1] : "50";
  const auto number = [&](int i, std::size_t other) {
    return argc > i ? static_cast<std::size_t>(std::strtoull(argv[i], nullptr, 10)) : other;
  };
  try {
    if (mode == "rtt")
      round_trips(number(2, 10'000));
    else if (mode == "idle")
      idle(number(2, 1'000));
    else
      load(number(1, 50), number(2, 100), number(3, 40'000));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "broker_load: %s\n", e.what());
    return 1;
  }
}
