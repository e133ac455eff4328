// SPDX-License-Identifier: Apache-2.0
#pragma once

// A TCP connection to an address or a name, for the two clients: straight or through an HTTP proxy.
// All addresses of a name are tried, IPv6 and IPv4 in turn, a quarter of a second apart (RFC 8305).
// Internal to transport/; runs on the given strand. A name is looked up by Asio's own thread.

#include "transport/http_core.hpp"
#include "transport/proxy.hpp"

namespace holt::http {

/// Where a connection ends, and over whom it goes.
struct route {
  std::string host; ///< address or name
  std::uint16_t port = 0;
  std::optional<proxy> via;
};

/// Calls `done` once, on the strand. The returned function, also for the strand, gives up: `done`
/// then gets an error. Sets TCP_NODELAY. Has no limit of time: the caller has one.
std::function<void()> connect_to(const strand_type& strand, const route& to,
                                 std::function<void(result<socket_type>)> done);

/// The same for addresses that are known, in this order.
std::function<void()> connect_to_any(const strand_type& strand,
                                     std::vector<boost::asio::ip::tcp::endpoint> addresses,
                                     std::function<void(result<socket_type>)> done);

/// `addresses` as they are tried: families in turn, that of the first one first.
std::vector<boost::asio::ip::tcp::endpoint>
in_turn(const std::vector<boost::asio::ip::tcp::endpoint>& addresses);

/// As a Host header or in a CONNECT: IPv6 addresses in brackets; `port` 0 is left out.
std::string authority(const std::string& host, std::uint16_t port);

} // namespace holt::http
