// SPDX-License-Identifier: Apache-2.0
#include "transport/listener.hpp"

#include "transport/http_core.hpp"
#include "transport/http_session.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>

#include <sys/socket.h>

#include <optional>

namespace holt::http {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

constexpr std::string_view overloaded
  = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
    "Content-Length: 140\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
    "{\"type\":\"urn:holt:error:busy\",\"title\":\"Busy\",\"status\":503,\"code\":\"busy\","
    "\"detail\":\"Too many connections are open; try again in a while.\"}    ";

error bind_error(const listener_options& options, const error_code& ec) {
  const auto port = std::to_string(options.port);
  const auto where = options.address.to_string();
  std::string text = "Port " + port + " on " + where + " cannot be opened: " + ec.message() + ". ";
  if (ec == asio::error::address_in_use)
    text = "Port " + port + " on " + where
           + " is taken by another program. Stop it, or choose another port with --port.";
  else if (ec == asio::error::access_denied)
    text = "Port " + port + " on " + where
           + " may not be opened by this user. Choose one above 1023 with --port.";
  else if (ec == error_code{EADDRNOTAVAIL, boost::system::system_category()})
    text = "Port " + port + " cannot be opened: this machine does not have the address " + where
           + ". Choose one of its own, or 0.0.0.0.";
  else
    text += "Choose another port with --port.";
  return {errc::port_unavailable, std::move(text)};
}

} // namespace

struct listener::acceptor : std::enable_shared_from_this<acceptor> {
  acceptor(asio::io_context& context, listener_options options, std::shared_ptr<service> what)
    : io{context},
      strand{asio::make_strand(context.get_executor())},
      socket{strand},
      retry{strand},
      grace{strand},
      core{std::make_shared<http_core>(context, std::move(options), std::move(what))} {}

  void accept() {
    const auto peer = std::make_shared<tcp::endpoint>();
    socket.async_accept(asio::make_strand(io.get_executor()), *peer,
                        [self = shared_from_this(), peer](error_code ec, socket_type one) {
                          self->accepted(ec, std::move(one), *peer);
                        });
  }

  void accepted(error_code ec, socket_type one, const tcp::endpoint& peer) {
    if (core->stopping || ec == asio::error::operation_aborted)
      return;
    if (ec == asio::error::connection_aborted) {
      accept();
      return;
    }
    if (ec) { // out of descriptors or memory: give others time to free some
      retry.expires_after(std::chrono::milliseconds{100});
      retry.async_wait([self = shared_from_this()](error_code stopped) {
        if (!stopped && !self->core->stopping)
          self->accept();
      });
      return;
    }
    auto address = peer.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped())
      address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    if (auto seat = core->take(address)) {
      one.set_option(tcp::no_delay{true}, ec);
      start_session(std::move(seat), std::move(one), tcp::endpoint{address, peer.port()});
    } else {
      // Best effort: the answer fits into any fresh socket buffer.
      [[maybe_unused]] const auto sent = ::send(one.native_handle(), overloaded.data(),
                                                overloaded.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      one.shutdown(tcp::socket::shutdown_send, ec);
    }
    accept();
  }

  void close_socket() {
    asio::post(strand, [self = shared_from_this()] {
      error_code ignored;
      self->socket.close(ignored);
      self->retry.cancel();
    });
  }

  asio::io_context& io;
  strand_type strand;
  asio::basic_socket_acceptor<tcp, strand_type> socket;
  timer_type retry;
  timer_type grace;
  std::shared_ptr<http_core> core;
};

listener::listener(asio::io_context& io, listener_options options, std::shared_ptr<service> what)
  : acceptor_{std::make_shared<acceptor>(io, std::move(options), std::move(what))} {}

listener::~listener() {
  stop_accepting();
  asio::post(acceptor_->strand, [a = acceptor_] { a->grace.cancel(); });
  acceptor_->core->when_empty(nullptr);
  for (const auto& one : acceptor_->core->live())
    one->abort();
}

result<tcp::endpoint> listener::start() {
  const auto& options = acceptor_->core->options;
  const tcp::endpoint wanted{options.address, options.port};
  auto& socket = acceptor_->socket;
  error_code ec;
  const auto fail = [&]() -> result<tcp::endpoint> {
    error_code ignored;
    socket.close(ignored);
    return bind_error(options, ec);
  };
  socket.open(wanted.protocol(), ec);
  if (!ec)
    socket.set_option(asio::socket_base::reuse_address{true}, ec);
  if (!ec && wanted.protocol() == tcp::v6() && options.address.is_unspecified())
    socket.set_option(asio::ip::v6_only{false}, ec);
  if (!ec)
    socket.bind(wanted, ec);
  if (!ec)
    socket.listen(asio::socket_base::max_listen_connections, ec);
  const auto bound = ec ? tcp::endpoint{} : socket.local_endpoint(ec);
  if (ec)
    return fail();
  asio::post(acceptor_->strand, [a = acceptor_] { a->accept(); });
  return bound;
}

void listener::stop_accepting() {
  acceptor_->core->stopping = true;
  acceptor_->close_socket();
}

void listener::close_all(std::uint16_t ws_code, std::string reason,
                         std::function<void()> on_closed) {
  stop_accepting();
  const auto& core = acceptor_->core;
  core->when_empty([a = acceptor_, call = std::move(on_closed)] {
    asio::post(a->strand, [a] { a->grace.cancel(); });
    if (call)
      call();
  });
  for (const auto& one : core->live())
    one->stop(ws_code, reason);
  asio::post(acceptor_->strand, [a = acceptor_] {
    if (a->core->stats().open == 0)
      return; // the cancel above may be through already
    a->grace.expires_after(a->core->options.close_grace);
    a->grace.async_wait([a](error_code stopped) {
      if (stopped)
        return;
      for (const auto& one : a->core->live())
        one->abort();
    });
  });
}

listener_stats listener::stats() const {
  return acceptor_->core->stats();
}

} // namespace holt::http
