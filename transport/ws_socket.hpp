// SPDX-License-Identifier: Apache-2.0
#pragma once

// The TCP socket below a WebSocket, with an end of our own: Beast's teardown waits for the peer's
// end of the connection without a limit, and delays the close code until then. Internal to
// transport/; on the connection's strand.

#include "transport/http_core.hpp"

#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>

namespace holt::http {

class ws_socket : public socket_type {
public:
  using executor_type = socket_type::executor_type;
  explicit ws_socket(socket_type&& from) : socket_type{std::move(from)} {}
};

/// Found by Beast through the type of the socket.
template <class Handler>
void async_teardown(boost::beast::role_type, ws_socket& socket, Handler&& handler) {
  boost::system::error_code ec;
  socket.shutdown(boost::asio::socket_base::shutdown_send, ec);
  boost::asio::post(
    socket.get_executor(),
    boost::beast::bind_front_handler(std::forward<Handler>(handler), boost::system::error_code{}));
}

inline void teardown(boost::beast::role_type, ws_socket& socket, boost::system::error_code& ec) {
  socket.shutdown(boost::asio::socket_base::shutdown_send, ec);
}

/// Reads what the peer still sends, up to its end, a size and a time, so that our last frame is
/// not lost to a reset; then closes the socket and gives the seat back.
void drain(std::unique_ptr<place> seat, socket_type socket, std::chrono::milliseconds limit);

} // namespace holt::http
