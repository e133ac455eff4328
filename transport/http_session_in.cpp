// SPDX-License-Identifier: Apache-2.0
#include "transport/http_session_state.hpp"

#include <boost/asio/buffer.hpp>

namespace holt::http {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t body_read_bytes = 32 * 1024;

} // namespace

void http_session::read(std::size_t room) {
  const auto old = buffer_.size();
  buffer_.resize(old + room);
  reading_ = true;
  kept_ = old;
  socket_.async_read_some(asio::buffer(buffer_.data() + old, room),
                          [self = shared_from_this(), old](error_code ec, std::size_t n) {
                            self->buffer_.resize(old + n);
                            self->reading_ = false;
                            self->received(ec, n);
                          });
}

bool http_session::begun() const {
  return reading_ ? kept_ > 0 : !buffer_.empty();
}

void http_session::received(error_code ec, std::size_t n) {
  if (phase_ == phase::ended)
    return;
  core_->bytes_in.fetch_add(n, std::memory_order_relaxed);
  if (phase_ == phase::lingering) {
    lingered_ += n;
    buffer_.clear();
    if (ec || lingered_ > linger_most_) {
      end();
    } else {
      using std::chrono::milliseconds;
      const auto rest = std::chrono::ceil<milliseconds>(linger_until_ - steady_clock::now());
      arm(std::clamp(rest, milliseconds{0}, core_->options.linger));
      read(read_bytes);
    }
    return;
  }
  if (phase_ == phase::writing && out_stream_) { // only to hear when the peer is gone
    buffer_.clear();
    if (ec)
      end();
    else
      read(read_bytes);
    return;
  }
  if (phase_ != phase::idle && phase_ != phase::head && phase_ != phase::body)
    return; // it was answered meanwhile; the write sees a dead peer by itself
  if (ec) {
    end();
    return;
  }
  if (phase_ == phase::idle) {
    seat_->waiting(false);
    phase_ = phase::head;
    arm(core_->options.head_timeout);
  }
  if (phase_ == phase::body) {
    window_bytes_ += n;
    if (sink_)
      take_piece();
    else
      take_body();
  } else if (phase_ == phase::head) {
    take_head();
  }
}

void http_session::take_head() {
  const auto size = find_head(buffer_, core_->options.head);
  if (!size) {
    refuse(size.error());
    return;
  }
  if (*size == 0) {
    read(read_bytes);
    return;
  }
  started_ = steady_clock::now();
  ++number_;
  const std::string_view head{buffer_.data(), *size};
  auto frame = check_framing(head, core_->options.head);
  if (!frame) {
    refuse(frame.error());
    return;
  }
  frame_ = *frame;
  takes_chunks_ = head.find(" HTTP/1.1\r\n") < head.find('\n');
  auto parsed = parser_.start(head, frame_);
  if (!parsed) {
    refuse(parsed.error());
    return;
  }
  current_ = std::move(*parsed);
  current_.peer = peer_;
  current_.local = local_;
  buffer_.erase(0, *size);
  decide();
}

void http_session::decide() {
  is_head_ = current_.method == "HEAD";
  if (const auto* guard = core_->options.guard.get()) {
    const auto host = current_.header_value("Host");
    const auto origin = current_.header_value("Origin");
    if (const auto ok = check_host(*guard, host); !ok) {
      turn_away(problem(ok.error()));
      return;
    }
    const auto kind = check_origin(*guard, current_.path, host, origin);
    if (!kind) {
      turn_away(problem(kind.error()));
      return;
    }
    if (is_preflight(current_)) {
      turn_away(preflight(*kind, current_));
      return;
    }
    cors_ = cors_headers(*kind, origin);
  }
  if (wants_websocket(current_)) {
    offer_upgrade();
    return;
  }
  const auto limit = core_->app->admit(current_);
  if (!limit) {
    auto why = problem(limit.error());
    for (auto& h : core_->app->refusal_headers(current_, limit.error()))
      why.headers.push_back(std::move(h));
    turn_away(std::move(why));
    return;
  }
  if (frame_.content_length > *limit) {
    turn_away(problem(too_large(*limit)));
    return;
  }
  if (core_->app->knows(current_))
    seat_->authenticated();
  body_limit_ = *limit;
  sink_ = streaming_ != nullptr ? streaming_->open_body(current_) : nullptr;
  if (sink_) {
    open_sink();
    return;
  }
  if (!frame_.has_body()) {
    hand_over();
    return;
  }
  parser_.body_limit(*limit);
  begin_body();
}

/// Into memory, or piece by piece into the sink.
void http_session::begin_body() {
  phase_ = phase::body;
  window_bytes_ = 0;
  arm(core_->options.body_window);
  if (frame_.expect_continue && buffer_.empty())
    say_continue();
  else if (sink_)
    take_piece();
  else
    take_body();
}

void http_session::say_continue() {
  static constexpr std::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
  error_code ec;
  socket_.non_blocking(true, ec);
  // 25 bytes into an empty send buffer: it takes all of them, or the peer is no peer.
  const auto n = socket_.write_some(asio::buffer(line), ec);
  if (ec || n != line.size())
    end();
  else
    read(body_read_bytes);
}

void http_session::take_body() {
  const auto used = parser_.feed(buffer_, core_->options.head.bytes);
  if (!used) {
    if (used.error().code == errc::payload_too_large)
      refuse(too_large(body_limit_));
    else
      refuse(used.error());
    return;
  }
  buffer_.erase(0, *used);
  if (parser_.done()) {
    current_.body = parser_.take_body();
    hand_over();
  } else {
    read(body_read_bytes);
  }
}

error http_session::too_large(std::uint64_t limit) {
  return {errc::payload_too_large, "The body is larger than " + std::to_string(limit) + " bytes."};
}

void http_session::hand_over() {
  phase_ = phase::answering;
  arm(core_->options.answer_timeout);
  record_.method = current_.method;
  record_.path = current_.path;
  if (streaming_ != nullptr && streaming_->streams(current_))
    streaming_->handle_streaming(std::move(current_), std::exchange(sink_, nullptr),
                                 make_reply(number_));
  else
    core_->app->handle(std::move(current_), make_reply(number_));
  current_ = {};
}

} // namespace holt::http
