// SPDX-License-Identifier: Apache-2.0
#pragma once

// The gateway's front door: one address, one port, HTTP/1.1 and WebSocket.
// Owned by app/; connections run on the given io_context, one strand each. It never blocks, never
// logs a target or a header, and holds no more connections than its limits say.

#include "transport/guard.hpp"
#include "transport/http_types.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>

namespace holt::http {

/// What one request was, for a log. No target: it may carry a token.
struct access_record {
  std::string method;
  std::string path; ///< without query; still encoded
  unsigned status = 0;
  std::uint64_t body_bytes = 0; ///< of the answer
  boost::asio::ip::tcp::endpoint peer;
  std::chrono::microseconds took{0}; ///< from the whole header to the answer
};

struct listener_options {
  boost::asio::ip::address address = boost::asio::ip::address_v4::loopback();
  std::uint16_t port = 0; ///< 0: any free one

  head_limits head;
  std::chrono::milliseconds head_timeout{10'000};      ///< from accept or the first byte to the end
  std::chrono::milliseconds idle_timeout{60'000};      ///< between requests
  std::chrono::milliseconds body_window{5'000};        ///< the body's speed is measured over this
  std::uint64_t body_bytes_per_second = 1024;          ///< slower: 408
  std::chrono::milliseconds write_timeout{30'000};     ///< without any progress
  std::chrono::milliseconds answer_timeout{3'900'000}; ///< for the service; then 504
  std::chrono::milliseconds upgrade_timeout{30'000};   ///< for its decision; then 504
  std::chrono::milliseconds linger{1'000};             ///< reads on after a closing answer
  std::chrono::milliseconds close_grace{1'500};        ///< of close_all, then sockets are closed

  std::size_t max_connections = 4'096;
  std::size_t max_unauthenticated = 64;
  std::size_t max_unauthenticated_per_address = 32; ///< not for loopback peers

  std::shared_ptr<const guard_policy> guard;           ///< null: Host and Origin are not checked
  std::function<void(const access_record&)> on_access; ///< on the connection's strand; may be null
};

struct listener_stats {
  std::size_t open = 0;            ///< connections, WebSockets included
  std::size_t unauthenticated = 0; ///< of them, neither admitted nor accepted yet
  std::size_t idle_strangers = 0;  ///< of those, answered and without a request: they make room
  std::size_t websockets = 0;      ///< of them, open WebSockets
  std::uint64_t accepted = 0;      ///< connections so far
  std::uint64_t refused = 0;       ///< connections over a limit so far
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::map<unsigned, std::uint64_t> requests; ///< answers so far by status (101: upgrades)
};

/// All calls are thread-safe. The io_context must outlive it, its replies and its upgrades.
class listener {
public:
  listener(boost::asio::io_context& io, listener_options options, std::shared_ptr<service> what);
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;
  ~listener(); ///< stops accepting and aborts every connection

  /// Binds and accepts. Error: `port_unavailable`, which names the port and what to do.
  result<boost::asio::ip::tcp::endpoint> start();
  void stop_accepting();
  /// Stops accepting and ends every connection: WebSockets with `ws_code`, running requests by
  /// their answer and `Connection: close`, idle ones at once; what is left after `close_grace` is
  /// cut. `on_closed` is posted to the io_context when none is left.
  void close_all(std::uint16_t ws_code, std::string reason, std::function<void()> on_closed);
  listener_stats stats() const;

private:
  struct acceptor;
  std::shared_ptr<acceptor> acceptor_;
};

} // namespace holt::http
