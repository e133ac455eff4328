// SPDX-License-Identifier: Apache-2.0
#include "transport/http_client.hpp"

#include "transport/http_connect.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>

namespace holt::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

namespace {

class call final : public std::enable_shared_from_this<call> {
public:
  call(asio::io_context::executor_type where, client_request what,
       std::function<void(result<response>)> done)
    : strand_{asio::make_strand(where)},
      timer_{strand_},
      what_{std::move(what)},
      done_{std::move(done)} {
    parser_.body_limit(what_.max_body);
    parser_.header_limit(32 * 1024);
    if (what_.method == "HEAD")
      parser_.skip(true);
  }

  void begin() {
    asio::dispatch(strand_, [self = shared_from_this()] {
      self->timer_.expires_after(self->what_.timeout);
      self->timer_.async_wait([self](error_code ec) {
        if (!ec)
          self->finish(error{errc::timeout, "There was no answer in time."});
      });
      self->connecting_
        = connect_to(self->strand_, {self->what_.host, self->what_.port, {}},
                     [self](result<socket_type> got) { self->connected(std::move(got)); });
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
    socket_.emplace(std::move(*got));
    head_ = what_.method + " " + what_.target + " HTTP/1.1\r\nHost: "
            + authority(what_.host, what_.port) + "\r\nConnection: close\r\n";
    for (const auto& h : what_.headers)
      if ((h.name + h.value).find_first_of("\r\n") == std::string::npos)
        head_.append(h.name).append(": ").append(h.value).append("\r\n");
    if (!what_.body.empty() || what_.method == "POST" || what_.method == "PUT")
      head_.append("Content-Length: ").append(std::to_string(what_.body.size())).append("\r\n");
    head_.append("\r\n");
    const std::array<asio::const_buffer, 2> parts{asio::buffer(head_), asio::buffer(what_.body)};
    asio::async_write(*socket_, parts, [self = shared_from_this()](error_code, std::size_t) {
      // A server may answer and close before it has read all: read in any case.
      self->read();
    });
  }

  void read() {
    if (!done_)
      return;
    const auto old = buffer_.size();
    constexpr std::size_t room = 8192;
    buffer_.resize(old + room);
    socket_->async_read_some(asio::buffer(buffer_.data() + old, room),
                             [self = shared_from_this(), old](error_code ec, std::size_t n) {
                               self->buffer_.resize(old + n);
                               self->received(ec);
                             });
  }

  void received(error_code ec) {
    if (!done_)
      return;
    std::size_t used = 0;
    error_code bad;
    while (!bad && !parser_.is_done() && used < buffer_.size())
      used += parser_.put(asio::buffer(buffer_.data() + used, buffer_.size() - used), bad);
    buffer_.erase(0, used);
    if (bad == beast::http::error::need_more)
      bad = {};
    if (!bad && !parser_.is_done() && ec == asio::error::eof && parser_.got_some())
      parser_.put_eof(bad);
    if (bad == beast::http::error::body_limit)
      finish(error{errc::payload_too_large, "The answer is too large."});
    else if (bad)
      finish(error{errc::io, "The answer is malformed: " + bad.message()});
    else if (parser_.is_done())
      finish(answer());
    else if (ec)
      finish(error{errc::io, "The connection ended before the answer: " + ec.message()});
    else
      read();
  }

  response answer() {
    auto& message = parser_.get();
    response out;
    out.status = message.result_int();
    for (const auto& field : message)
      out.headers.push_back({std::string{field.name_string()}, std::string{field.value()}});
    out.body = std::make_shared<const std::string>(std::move(message.body()));
    return out;
  }

  void finish(result<response> what) {
    if (!done_)
      return;
    auto done = std::exchange(done_, nullptr);
    timer_.cancel();
    if (connecting_)
      connecting_();
    error_code ignored;
    if (socket_)
      socket_->close(ignored);
    done(std::move(what));
  }

  strand_type strand_;
  timer_type timer_;
  client_request what_;
  std::function<void(result<response>)> done_;
  std::function<void()> connecting_; ///< gives up the attempt
  std::optional<socket_type> socket_;
  std::string head_;
  std::string buffer_;
  beast::http::response_parser<beast::http::string_body> parser_;
};

} // namespace

void http_call(asio::io_context::executor_type where, client_request what,
               std::function<void(result<response>)> done) {
  std::make_shared<call>(where, std::move(what), std::move(done))->begin();
}

} // namespace holt::http
