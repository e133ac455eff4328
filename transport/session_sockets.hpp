// SPDX-License-Identifier: Apache-2.0
#pragma once

// WebSockets that were opened with a browser session end with it: when it is signed out, when its
// time is over, when it had to make room. Owned by the gateway, thread-safe; one timer on the given
// executor waits for the session that ends next. Never decides who may come in.

#include "transport/auth.hpp"

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

private:
  struct timer;
  void arm();

  std::shared_ptr<authority> authority_;
  std::shared_ptr<timer> timer_;
};

} // namespace holt::http
