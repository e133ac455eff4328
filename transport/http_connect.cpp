// SPDX-License-Identifier: Apache-2.0
#include "transport/http_connect.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/basic_resolver.hpp>

namespace holt::http {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

struct attempt : std::enable_shared_from_this<attempt> {
  attempt(const strand_type& strand, std::function<void(error_code, socket_type)> call)
    : resolver{strand}, socket{strand}, done{std::move(call)} {}

  void finish(error_code ec) {
    if (!done)
      return;
    if (!ec)
      socket.set_option(tcp::no_delay{true}, ec);
    auto call = std::exchange(done, nullptr);
    call(ec, std::move(socket));
  }

  void connect(const std::vector<tcp::endpoint>& to) {
    asio::async_connect(
      socket, to,
      [self = shared_from_this()](error_code ec, const tcp::endpoint&) { self->finish(ec); });
  }

  asio::ip::basic_resolver<tcp, strand_type> resolver;
  socket_type socket;
  std::function<void(error_code, socket_type)> done;
  bool given_up = false;
};

} // namespace

std::function<void()> connect_to(const strand_type& strand, const std::string& host,
                                 std::uint16_t port,
                                 std::function<void(error_code, socket_type)> done) {
  const auto one = std::make_shared<attempt>(strand, std::move(done));
  error_code not_numeric;
  const auto address = asio::ip::make_address(host, not_numeric);
  if (!not_numeric)
    one->connect({tcp::endpoint{address, port}});
  else
    one->resolver.async_resolve(
      host, std::to_string(port), [one](error_code ec, const tcp::resolver::results_type& found) {
        if (ec || one->given_up) {
          one->finish(ec ? ec : error_code{asio::error::operation_aborted});
          return;
        }
        std::vector<tcp::endpoint> to;
        for (const auto& entry : found)
          to.push_back(entry.endpoint());
        one->connect(to);
      });
  return [weak = std::weak_ptr{one}] {
    if (const auto live = weak.lock(); live && live->done) {
      live->given_up = true;
      live->resolver.cancel();
      error_code ignored;
      live->socket.close(ignored);
    }
  };
}

} // namespace holt::http
