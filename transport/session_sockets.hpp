// SPDX-License-Identifier: Apache-2.0
#pragma once

// WebSockets and streamed answers that were opened with a browser session or a scoped token end
// with it: when it is signed out or revoked, when its time is over, when it had to make room. Owned
// by the gateway, thread-safe; one timer on the given executor waits for what ends next. Never
// decides who may come in.

#include "transport/auth.hpp"
#include "transport/http_body.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>

namespace holt::http {

class session_sockets : public std::enable_shared_from_this<session_sockets> {
public:
  session_sockets(boost::asio::any_io_executor executor, std::shared_ptr<authority> who);
  ~session_sockets();
  session_sockets(const session_sockets&) = delete;
  session_sockets& operator=(const session_sockets&) = delete;

  /// The same request; once accepted, its WebSocket is closed with 4401 when the session of `who`
  /// ends. Without a session it is the very same.
  upgrade_ptr bind(upgrade_ptr what, const identity& who);

  /// The same answer; its stream ends when the session of `who` does: events with a last one,
  /// `end`, anything else is broken off. Without a session, or a stream, it is the very same.
  streaming_response bind(streaming_response what, const identity& who);

private:
  struct timer;
  void arm();
  void look_again();

  std::shared_ptr<authority> authority_;
  std::shared_ptr<timer> timer_;
};

} // namespace holt::http
