// SPDX-License-Identifier: Apache-2.0

// The leanest agent: a blocking socket, frames of protocol 2.0.0, no JSON library. What it measures
// is what stands behind the socket. link_client PORT TARGET KEY SESSION IN_FLIGHT COUNT COMMAND
// COMMAND is JSON without `id`, or `echo` for a plain WebSocket echo. Prints one number a line: the
// microseconds of each round trip, then `total SECONDS`.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;
constexpr int limit_ms = 15'000;

class web_socket {
public:
  web_socket(std::uint16_t port, const std::string& target) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("cannot connect");
    int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    write_all("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port)
              + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
    while (in_.find("\r\n\r\n") == std::string::npos)
      fill();
    if (in_.substr(0, in_.find("\r\n")).find(" 101 ") == std::string::npos)
      throw std::runtime_error("refused: " + in_.substr(0, in_.find("\r\n")));
    in_.erase(0, in_.find("\r\n\r\n") + 4);
  }
  web_socket(const web_socket&) = delete;
  web_socket& operator=(const web_socket&) = delete;
  ~web_socket() { ::close(fd_); }

  /// A mask of zeros is a mask too, and costs nothing.
  void send(std::string_view text, unsigned char opcode = 1) {
    std::string out{static_cast<char>(0x80 | opcode)};
    if (text.size() < 126) {
      out += static_cast<char>(0x80 | text.size());
    } else if (text.size() < 65'536) {
      out += static_cast<char>(0x80 | 126);
      out += static_cast<char>(text.size() >> 8);
      out += static_cast<char>(text.size() & 0xff);
    } else {
      out += static_cast<char>(0x80 | 127);
      for (int shift = 56; shift >= 0; shift -= 8)
        out += static_cast<char>(text.size() >> shift & 0xff);
    }
    out.append(4, '\0');
    out += text;
    write_all(out);
  }

  /// The next text message; pings are answered.
  std::string next() {
    std::string whole;
    for (;;) {
      while (in_.size() - at_ < 2)
        fill();
      auto byte = [&](std::size_t i) { return static_cast<unsigned char>(in_[at_ + i]); };
      std::size_t head = 2;
      std::uint64_t size = byte(1) & 0x7f;
      if (size > 125) {
        std::size_t wide = size == 126 ? 2 : 8;
        while (in_.size() - at_ < 2 + wide)
          fill();
        size = 0;
        for (std::size_t i = 0; i < wide; ++i)
          size = size << 8 | byte(2 + i);
        head += wide;
      }
      while (in_.size() - at_ < head + size)
        fill();
      unsigned opcode = byte(0) & 0x0f;
      bool last = byte(0) & 0x80;
      std::string_view body{in_.data() + at_ + head, size};
      at_ += head + size;
      if (opcode == 8)
        throw std::runtime_error("closed by the server");
      if (opcode == 9) {
        send(std::string{body}, 10);
      } else if (opcode < 3) {
        whole += body;
        if (last)
          return whole;
      }
    }
  }

private:
  void fill() {
    if (at_ > 0 && at_ == in_.size()) {
      in_.clear();
      at_ = 0;
    } else if (at_ > 1 << 20) {
      in_.erase(0, at_);
      at_ = 0;
    }
    pollfd what{fd_, POLLIN, 0};
    if (::poll(&what, 1, limit_ms) <= 0)
      throw std::runtime_error("nothing came for 15 s");
    char buffer[256 * 1024];
    auto n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0)
      throw std::runtime_error("the connection ended");
    in_.append(buffer, static_cast<std::size_t>(n));
  }

  void write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0)
        throw std::runtime_error("cannot write");
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  int fd_ = -1;
  std::string in_;
  std::size_t at_ = 0;
};

struct options {
  std::uint16_t port;
  std::string target, key, session, command;
  std::size_t in_flight, count;
};

/// The id of a result: what stands behind `"id":"`.
std::string_view id_of(std::string_view text) {
  auto at = text.find("\"id\":\"b");
  if (at == std::string_view::npos || text.find("\"result\"") == std::string_view::npos)
    return {};
  text.remove_prefix(at + 6);
  return text.substr(0, text.find('"'));
}

void run(const options& o) {
  web_socket ws{o.port, o.target + "?apikey=" + o.key + "&vsn=2.0.0"};
  bool echo = o.command == "echo";
  std::string topic = "realtime:sandbox:" + o.session;
  if (!echo) {
    ws.send("[\"1\",\"1\",\"" + topic
            + "\",\"phx_join\",{\"config\":{\"broadcast\":{\"ack\":false,\"self\":false},"
              "\"presence\":{\"enabled\":false,\"key\":\"\"},\"private\":false}}]");
    for (;;) {
      auto said = ws.next();
      if (said.find("phx_reply") == std::string::npos)
        continue;
      if (said.find("\"ok\"") == std::string::npos)
        throw std::runtime_error("join: " + said);
      break;
    }
  }
  auto prefix = std::to_string(::getpid());
  std::unordered_map<std::string, clock_type::time_point> sent;
  std::vector<double> took;
  std::size_t asked = 0;
  auto ask = [&] {
    auto id = "b" + prefix + "-" + std::to_string(asked++);
    auto body = echo
                  ? "{\"result\":1,\"id\":\"" + id + "\"}"
                  : "[\"1\",\"9\",\"" + topic
                      + "\",\"broadcast\",{\"type\":\"broadcast\",\"event\":\"cmd\",\"payload\":{"
                        "\"id\":\""
                      + id + "\",\"src\":\"bench" + prefix + "\"," + o.command.substr(1) + "}]";
    sent[id] = clock_type::now();
    ws.send(body);
  };
  auto began = clock_type::now();
  while (asked < o.in_flight && asked < o.count)
    ask();
  while (took.size() < o.count) {
    auto said = ws.next();
    auto found = sent.find(std::string{id_of(said)});
    if (found == sent.end())
      continue;
    if (!echo && said.find("\"ok\":true") == std::string::npos)
      throw std::runtime_error("failed: " + said.substr(0, 300));
    took.push_back(
      std::chrono::duration<double, std::micro>(clock_type::now() - found->second).count());
    sent.erase(found);
    if (asked < o.count)
      ask();
  }
  auto total = std::chrono::duration<double>(clock_type::now() - began).count();
  for (auto us : took)
    std::cout << us << '\n';
  std::cout << "total " << total << '\n';
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 8) {
    std::cerr << "link_client PORT TARGET KEY SESSION IN_FLIGHT COUNT COMMAND\n";
    return 64;
  }
  try {
    run({static_cast<std::uint16_t>(std::stoi(argv[1])), argv[2], argv[3], argv[4], argv[7],
         std::stoul(argv[5]), std::stoul(argv[6])});
    return 0;
  } catch (const std::exception& problem) {
    std::cerr << "link_client: " << problem.what() << '\n';
    return 1;
  }
}
