// SPDX-License-Identifier: Apache-2.0
#include "transport/http_session.hpp"

#include "transport/http_session_state.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

namespace holt::http {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

/// Shared by the copies of one `reply`: the first call counts, none at all answers 500.
class pending_reply {
public:
  pending_reply(std::shared_ptr<http_session> who, std::uint64_t number)
    : who_{std::move(who)}, number_{number} {}
  pending_reply(const pending_reply&) = delete;
  pending_reply& operator=(const pending_reply&) = delete;
  ~pending_reply() {
    call(problem({errc::internal, "The request was dropped without an answer."}));
  }

  void call(streaming_response what) {
    if (done_.exchange(true))
      return;
    who_->answered(number_, std::move(what));
    who_.reset();
  }

private:
  std::shared_ptr<http_session> who_;
  std::uint64_t number_;
  std::atomic<bool> done_{false};
};

} // namespace

http_session::http_session(std::unique_ptr<place> seat, socket_type socket,
                           const asio::ip::tcp::endpoint& peer)
  : core_{seat->core().shared_from_this()},
    streaming_{dynamic_cast<streaming_service*>(core_->app.get())},
    seat_{std::move(seat)},
    socket_{std::move(socket)},
    timer_{socket_.get_executor()},
    peer_{peer} {}

void http_session::begin() {
  seat_->attach(weak_from_this());
  asio::dispatch(socket_.get_executor(), [self = shared_from_this()] {
    error_code ec;
    self->local_ = self->socket_.local_endpoint(ec);
    self->phase_ = phase::head;
    self->arm(self->core_->options.head_timeout);
    self->read(read_bytes);
  });
}

void http_session::stop(std::uint16_t, std::string) {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->stopping_ = true;
    const bool endless
      = self->phase_ == phase::writing && self->out_stream_ && self->out_stream_->endless();
    if (endless || self->phase_ == phase::idle || (self->phase_ == phase::head && !self->begun()))
      self->end();
  });
}

void http_session::abort() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->end(); });
}

void http_session::upgrade_refused(response why) {
  asio::post(socket_.get_executor(), [self = shared_from_this(), why = std::move(why)]() mutable {
    if (self->phase_ == phase::upgrading)
      self->answer(std::move(why));
  });
}

void http_session::upgrade_accepted(ws_accept_request what) {
  asio::post(socket_.get_executor(), [self = shared_from_this(), what = std::move(what)]() mutable {
    self->become_websocket(std::move(what));
  });
}

void http_session::answered(std::uint64_t number, streaming_response what) {
  asio::dispatch(socket_.get_executor(),
                 [self = shared_from_this(), number, what = std::move(what)]() mutable {
                   if (self->phase_ == phase::answering && self->number_ == number)
                     self->answer(std::move(what));
                 });
}

void http_session::arm(milliseconds after) {
  timer_.expires_after(after);
  timer_.async_wait([self = shared_from_this()](error_code ec) {
    if (!ec && self->timer_.expiry() <= steady_clock::now())
      self->late();
  });
}

void http_session::late() {
  switch (phase_) {
  case phase::head:
    if (!begun())
      end();
    else
      refuse({errc::request_timeout, "The header did not arrive in time."});
    break;
  case phase::body:
    if (window_bytes_ * 1000 < core_->options.body_bytes_per_second
                                 * static_cast<std::uint64_t>(core_->options.body_window.count())) {
      refuse({errc::request_timeout, "The body arrives too slowly."});
    } else {
      window_bytes_ = 0;
      arm(core_->options.body_window);
    }
    break;
  case phase::storing:
  case phase::answering:
  case phase::upgrading: refuse({errc::timeout, "There was no answer in time."}); break;
  case phase::writing:
    if (out_stream_ && out_stream_->patient() && steady_clock::now() < write_until_)
      arm(core_->options.write_timeout);
    else
      end();
    break;
  default: end();
  }
}

void http_session::offer_upgrade() {
  auto fit = check_upgrade(current_, frame_);
  if (!fit || !buffer_.empty()) {
    auto why = problem(
      fit ? error{errc::invalid_request, "Bytes behind the upgrade request, before its answer."}
          : fit.error());
    why.headers.push_back({"Sec-WebSocket-Version", "13"});
    why.close = true;
    turn_away(std::move(why));
    return;
  }
  phase_ = phase::upgrading;
  arm(core_->options.upgrade_timeout);
  record_.method = current_.method;
  record_.path = current_.path;
  core_->app->handle_upgrade(make_upgrade(shared_from_this(), std::move(current_)));
  current_ = {};
}

void http_session::become_websocket(ws_accept_request what) {
  if (phase_ != phase::upgrading) { // too late, or gone
    if (what.handlers.on_close)
      what.handlers.on_close({1006, "the connection ended before it was accepted"});
    return;
  }
  phase_ = phase::ended;
  timer_.cancel();
  seat_->authenticated();
  log(101, 0);
  for (auto& h : cors_)
    what.headers.push_back(std::move(h));
  what.head_timeout = core_->options.head_timeout;
  accept_websocket(std::move(seat_), std::move(socket_), std::move(what));
}

void http_session::end() {
  phase_ = phase::ended;
  timer_.cancel();
  error_code ec;
  if (out_file_) // a sender has the socket under a number of its own
    socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ec);
  out_file_.reset();
  out_stream_.reset();
  sink_.reset();
  socket_.close(ec);
  seat_.reset();
}

void http_session::log(unsigned status, std::uint64_t body_bytes) {
  core_->count_request(status);
  if (!core_->options.on_access)
    return;
  record_.status = status;
  record_.body_bytes = body_bytes;
  record_.peer = peer_;
  record_.took
    = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - started_);
  core_->options.on_access(record_);
}

streaming_reply http_session::make_reply(std::uint64_t number) {
  auto state = std::make_shared<pending_reply>(shared_from_this(), number);
  return [state](streaming_response what) { state->call(std::move(what)); };
}

void start_session(std::unique_ptr<place> seat, socket_type socket,
                   const asio::ip::tcp::endpoint& peer) {
  std::make_shared<http_session>(std::move(seat), std::move(socket), peer)->begin();
}

} // namespace holt::http
