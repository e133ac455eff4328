// SPDX-License-Identifier: Apache-2.0
#pragma once

// A WebSocket to another server, plain or over TLS, straight or through a proxy: for the stream
// engine on loopback and for Supabase. The connection is the same ws_connection as on the server's
// side, on a strand of its own.

#include "transport/http_types.hpp"
#include "transport/proxy.hpp"
#include "transport/tls.hpp"

#include <boost/asio/io_context.hpp>

namespace holt::http {

struct ws_target {
  std::string host = "127.0.0.1"; ///< address or name; also the Host header
  std::uint16_t port = 0;
  std::string target = "/";
  std::vector<header> headers;
  std::chrono::milliseconds connect_timeout{5'000}; ///< until the 101
  tls_client_ptr tls;                               ///< null: plain
  std::optional<proxy> via;                         ///< nothing: straight
  /// Not null: gets the answer of a server that refused, before `done`.
  std::shared_ptr<response> refused;
};

/// `done` is called exactly once, on the connection's strand, before any message. On an error
/// (timeout, io, cancelled) no handler is called. When it was called with a connection, on_close
/// follows. The returned function, for any thread, gives up (cancelled).
std::function<void()> ws_connect(boost::asio::io_context::executor_type where, ws_target to,
                                 ws_limits limits, ws_handlers handlers,
                                 std::function<void(result<ws_ptr>)> done);

} // namespace holt::http
