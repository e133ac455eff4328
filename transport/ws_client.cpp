// SPDX-License-Identifier: Apache-2.0
#include "transport/ws_client.hpp"

#include "transport/http_connect.hpp"
#include "transport/ws_session.hpp"

#include <boost/beast/core/error.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

namespace holt::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

namespace {

class attempt final : public std::enable_shared_from_this<attempt> {
public:
  attempt(asio::io_context::executor_type where, ws_target to, ws_limits limits,
          ws_handlers handlers, std::function<void(result<ws_ptr>)> done)
    : strand_{asio::make_strand(where)},
      timer_{strand_},
      to_{std::move(to)},
      limits_{limits},
      handlers_{std::move(handlers)},
      done_{std::move(done)} {}

  void begin() {
    asio::dispatch(strand_, [self = shared_from_this()] {
      self->timer_.expires_after(self->to_.connect_timeout);
      self->timer_.async_wait([self](error_code ec) {
        if (ec)
          return;
        self->finish(error{errc::timeout, "The WebSocket did not open in time."});
      });
      self->give_up_
        = connect_to(self->strand_, {self->to_.host, self->to_.port, self->to_.via},
                     [self](result<socket_type> got) { self->connected(std::move(got)); });
    });
  }

  void give_up() {
    asio::post(strand_, [self = shared_from_this()] {
      self->finish(error{errc::cancelled, "The connection was given up."});
    });
  }

private:
  void connected(result<socket_type> got) {
    if (!done_)
      return;
    if (!got) {
      finish(got.error());
      return;
    }
    session_ = std::make_shared<ws_session>(std::move(*got), limits_);
    session_->set_options(to_.connect_timeout);
    if (to_.tls)
      start_tls();
    else
      upgrade();
  }

  void start_tls() {
    auto& tls = session_->stream().next_layer().start_tls(to_.tls);
    auto* const ssl = tls.native_handle();
    error_code not_numeric;
    asio::ip::make_address(to_.host, not_numeric);
    // RFC 6066, section 3: addresses are not names. Both are checked by OpenSSL itself, so that it
    // can say what is wrong.
    const bool fine
      = not_numeric
          ? SSL_set_tlsext_host_name(ssl, to_.host.c_str()) && SSL_set1_host(ssl, to_.host.c_str())
          : X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), to_.host.c_str()) == 1;
    if (!fine) {
      finish(error{errc::io, "The server's name cannot be sent."});
      return;
    }
    tls.async_handshake(asio::ssl::stream_base::client,
                        [self = shared_from_this(), session = session_](error_code failed) {
                          self->encrypted(failed);
                        });
  }

  void encrypted(error_code ec) {
    if (!done_)
      return;
    if (!ec) {
      upgrade();
      return;
    }
    const auto trust = SSL_get_verify_result(session_->stream().next_layer().tls().native_handle());
    if (trust != X509_V_OK)
      finish(error{errc::io, "The certificate of " + to_.host
                               + " is not trusted: " + X509_verify_cert_error_string(trust) + "."});
    else
      finish(error{errc::io, "TLS failed: " + ec.message() + "."});
  }

  void upgrade() {
    session_->stream().set_option(beast::websocket::stream_base::decorator(
      [extra = to_.headers](beast::websocket::request_type& request) {
        for (const auto& h : extra)
          if (h.value.find_first_of("\r\n") == std::string::npos)
            request.set(h.name, h.value);
      }));
    // Some gateways route by the Host header as it is written.
    const std::uint16_t usual = to_.tls ? 443 : 80;
    host_ = authority(to_.host, to_.port == usual ? std::uint16_t{0} : to_.port);
    session_->stream().async_handshake(
      answer_, host_, to_.target,
      [self = shared_from_this()](error_code failed) { self->opened(failed); });
  }

  void opened(error_code ec) {
    if (!done_)
      return;
    if (ec == beast::websocket::error::upgrade_declined) {
      if (to_.refused)
        tell_refusal();
      finish(error{errc::io, "The WebSocket was refused with status "
                               + std::to_string(answer_.result_int()) + "."});
      return;
    }
    if (ec == beast::error::timeout) { // Beast's timer was faster than ours
      finish(error{errc::timeout, "The WebSocket did not open in time."});
      return;
    }
    if (ec) {
      finish(error{errc::io, "The WebSocket handshake failed: " + ec.message()});
      return;
    }
    session_->stream().set_option(
      beast::websocket::stream_base::decorator([](beast::websocket::request_type&) {}));
    const auto session = std::exchange(session_, nullptr);
    auto handlers = std::move(handlers_);
    finish(ws_ptr{session});
    session->run(std::move(handlers));
  }

  void tell_refusal() {
    to_.refused->status = answer_.result_int();
    for (const auto& field : answer_)
      to_.refused->headers.push_back(
        {std::string{field.name_string()}, std::string{field.value()}});
    to_.refused->body = std::make_shared<const std::string>(answer_.body());
  }

  void finish(result<ws_ptr> what) {
    if (!done_)
      return;
    auto done = std::exchange(done_, nullptr);
    timer_.cancel();
    if (give_up_)
      give_up_();
    if (session_) {
      session_->abort();
      session_.reset();
    }
    handlers_ = {};
    done(std::move(what));
  }

  strand_type strand_;
  timer_type timer_;
  ws_target to_;
  ws_limits limits_;
  ws_handlers handlers_;
  std::function<void(result<ws_ptr>)> done_;
  std::function<void()> give_up_;
  std::shared_ptr<ws_session> session_;
  beast::websocket::response_type answer_;
  std::string host_;
};

} // namespace

std::function<void()> ws_connect(asio::io_context::executor_type where, ws_target to,
                                 ws_limits limits, ws_handlers handlers,
                                 std::function<void(result<ws_ptr>)> done) {
  const auto one
    = std::make_shared<attempt>(where, std::move(to), limits, std::move(handlers), std::move(done));
  one->begin();
  return [weak = std::weak_ptr{one}] {
    if (const auto live = weak.lock())
      live->give_up();
  };
}

} // namespace holt::http
