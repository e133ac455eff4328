// SPDX-License-Identifier: Apache-2.0
#pragma once

// The TCP socket below a WebSocket, plain or (client side) with TLS over it, and with an end of our
// own: Beast's teardown waits for the peer's end of the connection without a limit, and delays the
// close code until then. Internal to transport/; on the connection's strand.

#include "transport/http_core.hpp"
#include "transport/tls_context.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>

namespace holt::http {

class ws_socket : public socket_type {
public:
  using executor_type = socket_type::executor_type;
  using tls_stream = boost::asio::ssl::stream<socket_type&>;
  explicit ws_socket(socket_type&& from) : socket_type{std::move(from)} {}

  /// From here on all bytes go through TLS. The socket must not be moved any more.
  tls_stream& start_tls(tls_client_ptr with) {
    trust_ = std::move(with);
    tls_ = std::make_unique<tls_stream>(static_cast<socket_type&>(*this), trust_->context);
    return *tls_;
  }
  bool encrypted() const noexcept { return tls_ != nullptr; }
  tls_stream& tls() noexcept { return *tls_; }

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& into, Handler&& handler) {
    if (tls_)
      return tls_->async_read_some(into, std::forward<Handler>(handler));
    return socket_type::async_read_some(into, std::forward<Handler>(handler));
  }
  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& from, Handler&& handler) {
    if (tls_)
      return tls_->async_write_some(from, std::forward<Handler>(handler));
    return socket_type::async_write_some(from, std::forward<Handler>(handler));
  }

private:
  tls_client_ptr trust_;
  std::unique_ptr<tls_stream> tls_;
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
