// SPDX-License-Identifier: Apache-2.0
#include "transport/ws_client.hpp"

#include "transport/http_connect.hpp"
#include "transport/ws_session.hpp"

#include <boost/asio/dispatch.hpp>

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
      self->give_up_ = connect_to(
        self->strand_, self->to_.host, self->to_.port,
        [self](error_code ec, socket_type socket) { self->connected(ec, std::move(socket)); });
    });
  }

private:
  void connected(error_code ec, socket_type socket) {
    if (!done_)
      return;
    if (ec) {
      finish(error{errc::io, "The connection failed: " + ec.message()});
      return;
    }
    session_ = std::make_shared<ws_session>(std::move(socket), nullptr, limits_, ws_handlers{});
    session_->set_options(true, to_.connect_timeout);
    session_->stream().set_option(beast::websocket::stream_base::decorator(
      [extra = to_.headers](beast::websocket::request_type& request) {
        for (const auto& h : extra)
          if (h.value.find_first_of("\r\n") == std::string::npos)
            request.set(h.name, h.value);
      }));
    host_ = to_.host + ":" + std::to_string(to_.port);
    session_->stream().async_handshake(
      answer_, host_, to_.target,
      [self = shared_from_this()](error_code failed) { self->opened(failed); });
  }

  void opened(error_code ec) {
    if (!done_)
      return;
    if (ec == beast::websocket::error::upgrade_declined) {
      finish(error{errc::io, "The WebSocket was refused with status "
                               + std::to_string(answer_.result_int()) + "."});
      return;
    }
    if (ec) {
      finish(error{errc::io, "The WebSocket handshake failed: " + ec.message()});
      return;
    }
    session_->stream().set_option(
      beast::websocket::stream_base::decorator([](beast::websocket::request_type&) {}));
    const auto session = std::exchange(session_, nullptr);
    session->use(std::move(handlers_));
    finish(ws_ptr{session});
    session->run();
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

void ws_connect(asio::io_context::executor_type where, ws_target to, ws_limits limits,
                ws_handlers handlers, std::function<void(result<ws_ptr>)> done) {
  std::make_shared<attempt>(where, std::move(to), limits, std::move(handlers), std::move(done))
    ->begin();
}

} // namespace holt::http
