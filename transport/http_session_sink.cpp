// SPDX-License-Identifier: Apache-2.0

// Bodies that no memory holds: pieces go to the service's sink as they arrive, and nothing is read
// while it works, so that the peer's own window holds it back.

#include "transport/http_session_state.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace holt::http {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t piece_bytes = 256 * 1024;
/// Fewer wait for more: a sink is not woken for every packet of a slow peer.
constexpr std::size_t piece_least = 64 * 1024;
/// A peer that is in the middle of sending should still read why it was refused.
constexpr std::size_t linger_while_sending = 256 * 1024 * 1024;

} // namespace

void http_session::open_sink() {
  phase_ = phase::storing;
  body_left_ = frame_.chunked ? 0 : frame_.content_length;
  arm(core_->options.answer_timeout);
  sink_->open([self = shared_from_this()](std::optional<response> refused) {
    asio::post(self->socket_.get_executor(), [self, refused = std::move(refused)]() mutable {
      self->sink_opened(std::move(refused));
    });
  });
}

void http_session::sink_opened(std::optional<response> refused) {
  if (phase_ != phase::storing)
    return;
  if (refused) {
    linger_most_ = linger_while_sending;
    turn_away(std::move(*refused));
    return;
  }
  if (!frame_.has_body()) {
    hand_over();
    return;
  }
  if (frame_.chunked)
    parser_.body_limit(body_limit_);
  begin_body();
}

void http_session::take_piece() {
  if (frame_.chunked) {
    const auto used = parser_.feed(buffer_, core_->options.head.bytes);
    if (!used) {
      linger_most_ = linger_while_sending;
      refuse(used.error().code == errc::payload_too_large ? too_large(body_limit_) : used.error());
      return;
    }
    buffer_.erase(0, *used);
    piece_ += parser_.take_body();
    if (parser_.done() || piece_.size() >= piece_least)
      store(piece_, parser_.done());
    else
      read(piece_bytes);
    return;
  }
  // Behind the body there may be the next request.
  const auto here = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), body_left_));
  if (here < body_left_ && here < piece_least) {
    read(static_cast<std::size_t>(std::min<std::uint64_t>(body_left_ - here, piece_bytes)));
    return;
  }
  piece_used_ = here;
  body_left_ -= here;
  store(std::string_view{buffer_}.substr(0, here), body_left_ == 0);
}

void http_session::store(std::string_view piece, bool last) {
  phase_ = phase::storing;
  arm(core_->options.answer_timeout);
  if (piece.empty()) {
    stored({}, last);
    return;
  }
  sink_->write(piece, [self = shared_from_this(), last](std::optional<response> refused) {
    asio::post(self->socket_.get_executor(), [self, last, refused = std::move(refused)]() mutable {
      self->stored(std::move(refused), last);
    });
  });
}

void http_session::stored(std::optional<response> refused, bool last) {
  if (phase_ != phase::storing)
    return;
  piece_.clear();
  buffer_.erase(0, std::exchange(piece_used_, 0));
  if (refused) {
    linger_most_ = linger_while_sending;
    refused->close = true;
    turn_away(std::move(*refused));
    return;
  }
  if (last) {
    piece_.shrink_to_fit();
    hand_over();
    return;
  }
  phase_ = phase::body;
  window_bytes_ = 0;
  arm(core_->options.body_window);
  if (frame_.chunked && !buffer_.empty())
    take_piece();
  else
    read(static_cast<std::size_t>(
      frame_.chunked ? piece_bytes : std::min<std::uint64_t>(body_left_, piece_bytes)));
}

} // namespace holt::http
