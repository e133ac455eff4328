// SPDX-License-Identifier: Apache-2.0
#pragma once

// From an HTTP request to a WebSocket: the check of the handshake, the pending decision, and what
// goes with the socket to ws_server. Internal to transport/; on the connection's strand except
// where said.

#include "transport/guard.hpp"
#include "transport/http_core.hpp"

namespace holt::http {

/// What accept() said, with the request it is about.
struct ws_accept_request {
  request head;
  ws_limits limits;
  ws_handlers handlers;
  std::function<void(ws_ptr)> opened;
  std::vector<header> headers;
  std::chrono::milliseconds head_timeout{10'000};
};

/// Who waits for the decision. Both calls are thread-safe.
class upgrade_host {
public:
  virtual ~upgrade_host() = default;
  virtual void upgrade_refused(response why) = 0;
  virtual void upgrade_accepted(ws_accept_request what) = 0;
};

/// True when the request asks for a WebSocket.
bool wants_websocket(const request& what);

/// RFC 6455, section 4.2.1: method, version, key; no body.
result<void> check_upgrade(const request& what, const framing& frame);

upgrade_ptr make_upgrade(std::shared_ptr<upgrade_host> host, request head);

/// Answers 101 and runs the connection (ws_server.cpp).
void accept_websocket(std::unique_ptr<place> seat, socket_type socket, ws_accept_request what);

} // namespace holt::http
