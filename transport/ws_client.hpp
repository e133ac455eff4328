// SPDX-License-Identifier: Apache-2.0
#pragma once

// A WebSocket to another server, over plain TCP: for the stream engine on loopback. The connection
// is the same ws_connection as on the server's side, on a strand of its own.

#include "transport/http_types.hpp"

#include <boost/asio/io_context.hpp>

namespace holt::http {

struct ws_target {
  std::string host = "127.0.0.1"; ///< address or name; also the Host header, with the port
  std::uint16_t port = 0;
  std::string target = "/";
  std::vector<header> headers;
  std::chrono::milliseconds connect_timeout{5'000}; ///< until the 101
};

/// `done` is called exactly once, on the connection's strand, before any message. On an error
/// (timeout, io) no handler is called. When it was called with a connection, on_close follows.
void ws_connect(boost::asio::io_context::executor_type where, ws_target to, ws_limits limits,
                ws_handlers handlers, std::function<void(result<ws_ptr>)> done);

} // namespace holt::http
