// SPDX-License-Identifier: Apache-2.0
#include "transport/ws_session.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

namespace holt::http {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

ws_session::ws_session(socket_type socket, ws_limits limits)
  : stream_{ws_socket{std::move(socket)}}, liveness_{stream_.get_executor()}, limits_{limits} {}

void ws_session::set_options(std::chrono::milliseconds handshake_timeout) {
  // Liveness is ours; Beast's timer bounds the handshakes.
  stream_.set_option(
    websocket::stream_base::timeout{handshake_timeout, websocket::stream_base::none(), false});
  stream_.auto_fragment(false);
  stream_.write_buffer_bytes(2048); // masking needs one
  stream_.read_message_max(limits_.max_message_bytes);
}

void ws_session::run(ws_handlers handlers) {
  if (finished_)
    return;
  handlers_ = std::move(handlers);
  open_ = true;
  stream_.set_option(
    websocket::stream_base::timeout{limits_.close_timeout, websocket::stream_base::none(), false});
  stream_.control_callback([this](websocket::frame_type kind, boost::beast::string_view) {
    liveness_.heard();
    if (kind != websocket::frame_type::close || finished_)
      return;
    // Beast answers, then waits for the end of the TCP connection: not for ever.
    peer_closed_ = true;
    close_wanted_ = true;
    liveness_.arm(shared_from_this(), limits_.close_timeout);
  });
  if (!close_wanted_)
    liveness_.arm(shared_from_this(), limits_.ping);
  read();
  bool idle = false;
  {
    const std::lock_guard lock{mutex_};
    idle = !writing_;
  }
  if (close_wanted_ && idle) // asked for during the handshake
    shake_hands();
}

// -- out

bool ws_session::send_text(std::shared_ptr<const std::string> text) {
  return enqueue(std::move(text), false);
}

bool ws_session::send_binary(std::shared_ptr<const std::string> bytes) {
  return enqueue(std::move(bytes), true);
}

bool ws_session::enqueue(std::shared_ptr<const std::string> bytes, bool binary) {
  if (!bytes)
    return false;
  bool full = false;
  {
    const std::lock_guard lock{mutex_};
    if (closed_to_senders_)
      return false;
    const auto cost = bytes->size() + ws_item_cost;
    full = outbox_bytes_ + cost > limits_.outbox_bytes + ws_item_cost;
    if (full) {
      closed_to_senders_ = true;
    } else {
      outbox_bytes_ += cost;
      outbox_.push_back({std::move(bytes), binary});
      if (std::exchange(writing_, true))
        return true;
    }
  }
  if (full)
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
      self->begin_close(1013, "the reader is too slow", true);
    });
  else
    asio::post(stream_.get_executor(), [self = shared_from_this()] { self->write(); });
  return !full;
}

std::size_t ws_session::outbox() const {
  const std::lock_guard lock{mutex_};
  return outbox_bytes_;
}

void ws_session::write() {
  if (!open_ || finished_ || closing_)
    return;
  item next;
  {
    const std::lock_guard lock{mutex_};
    if (outbox_.empty()) {
      writing_ = false;
      return;
    }
    writing_ = true;
    next = outbox_.front(); // stays in front until it is written
  }
  stream_.binary(next.binary);
  // The handler owns the bytes: begin_close may drop the queue meanwhile.
  const auto bytes = asio::buffer(*next.bytes);
  stream_.async_write(bytes, [self = shared_from_this(), kept = std::move(next.bytes)](
                               error_code ec, std::size_t) { self->written(ec, kept->size()); });
}

void ws_session::written(error_code ec, std::size_t n) {
  bool empty = false;
  {
    const std::lock_guard lock{mutex_};
    if (!outbox_.empty()) {
      outbox_.pop_front();
      outbox_bytes_ -= n + ws_item_cost;
    }
    empty = outbox_.empty();
    if (empty || ec)
      writing_ = false;
  }
  if (finished_)
    return;
  if (ec) {
    cut(); // the read ends with the reason
    return;
  }
  if (!empty)
    write();
  else if (close_wanted_ && !peer_closed_)
    shake_hands();
}

// -- in

void ws_session::read() {
  if (reading_ || finished_ || closing_ || !open_ || unacknowledged_ >= limits_.credit)
    return;
  reading_ = true;
  buffer_.emplace(incoming_, limits_.max_message_bytes + 1); // async_read keeps a reference
  stream_.async_read(*buffer_, [self = shared_from_this()](error_code ec, std::size_t) {
    self->reading_ = false;
    self->received(ec);
  });
}

void ws_session::received(error_code ec) {
  if (finished_)
    return;
  if (ec) {
    if (!closing_ || ec == websocket::error::closed)
      finish(reason_of(ec));
    else if (!stream_.next_layer().is_open())
      finish(reason_of(ec));
    return; // else the close handshake tells
  }
  liveness_.heard();
  std::string payload;
  payload.swap(incoming_);
  if (!close_wanted_) {
    ++unacknowledged_;
    if (handlers_.on_message)
      handlers_.on_message(std::move(payload), stream_.got_binary());
  }
  read();
}

void ws_session::acknowledge(unsigned n) {
  asio::dispatch(stream_.get_executor(), [self = shared_from_this(), n] {
    self->unacknowledged_ -= std::min(n, self->unacknowledged_);
    if (!self->reading_)
      asio::post(self->stream_.get_executor(), [self] { self->read(); });
  });
}

close_reason ws_session::reason_of(error_code ec) const {
  // The peer's code counts also when its end of the TCP connection did not come in time.
  if (peer_closed_ || stream_.reason().code != websocket::close_code::none
      || ec == websocket::error::closed) {
    const auto& peer = stream_.reason();
    const auto code = peer.code == websocket::close_code::none
                        ? websocket::close_code::no_status
                        : static_cast<websocket::close_code>(peer.code);
    return {static_cast<std::uint16_t>(code), std::string{peer.reason.data(), peer.reason.size()}};
  }
  if (ec == websocket::error::bad_frame_payload)
    return {1007, "the peer sent malformed UTF-8"};
  if (ec == websocket::error::message_too_big || ec == websocket::error::buffer_overflow)
    return {1009, "the peer sent a message that is too large"};
  if (ec == websocket::condition::protocol_violation)
    return {1002, ec.message()};
  return {1006, why_cut_.empty() ? ec.message() : why_cut_};
}

// -- the end

void ws_session::close(std::uint16_t code, std::string reason) {
  {
    const std::lock_guard lock{mutex_};
    closed_to_senders_ = true;
  }
  asio::post(stream_.get_executor(),
             [self = shared_from_this(), code, reason = std::move(reason)]() mutable {
               self->begin_close(code, std::move(reason), false);
             });
}

void ws_session::abort() {
  asio::post(stream_.get_executor(), [self = shared_from_this()] { self->cut(); });
}

/// `drop`: what waits is not sent any more; otherwise the close frame follows it.
void ws_session::begin_close(std::uint16_t code, std::string reason, bool drop) {
  if (finished_ || closing_ || peer_closed_ || (close_wanted_ && !drop))
    return;
  if (!close_wanted_) {
    closing_with_ = websocket::close_reason{static_cast<websocket::close_code>(ws_sendable(code)),
                                            ws_fitting(reason)};
    why_cut_ = "the peer did not answer the close frame in time";
    liveness_.arm(shared_from_this(), limits_.close_timeout);
  }
  close_wanted_ = true;
  bool idle = false;
  {
    const std::lock_guard lock{mutex_};
    closed_to_senders_ = true;
    if (drop) {
      // The front one may be under way: it stays until written() takes it.
      while (outbox_.size() > (writing_ ? 1u : 0u)) {
        outbox_bytes_ -= outbox_.back().bytes->size() + ws_item_cost;
        outbox_.pop_back();
      }
    }
    idle = !writing_;
  }
  if (idle)
    shake_hands();
}

void ws_session::shake_hands() {
  if (finished_ || closing_ || !open_)
    return; // not open yet: run() comes back here, or the timer
  closing_ = true;
  stream_.async_close(closing_with_, [self = shared_from_this()](error_code ec) {
    if (self->finished_)
      return;
    self->finish(ec ? self->reason_of(ec) : self->reason_of(websocket::error::closed));
  });
}

void ws_session::late() {
  if (finished_)
    return;
  if (close_wanted_) {
    cut();
    return;
  }
  liveness_.arm(shared_from_this(), limits_.ping);
  switch (liveness_.tick(reading_)) {
  case ws_liveness::beat::pause: break;
  case ws_liveness::beat::ping:
    if (!std::exchange(pinging_, true)) // else the last one still waits behind a write
      stream_.async_ping({}, [self = shared_from_this()](error_code) { self->pinging_ = false; });
    break;
  case ws_liveness::beat::silent: why_cut_ = "the peer did not answer two pings"; cut();
  }
}

/// Closes the socket; whatever waits on it ends with an error.
void ws_session::cut() {
  if (finished_)
    return;
  error_code ignored;
  stream_.next_layer().close(ignored);
  if (!reading_ && !closing_)
    finish({1006, why_cut_});
}

void ws_session::finish(close_reason why) {
  if (std::exchange(finished_, true))
    return;
  liveness_.stop();
  error_code ignored;
  stream_.next_layer().close(ignored);
  {
    const std::lock_guard lock{mutex_};
    closed_to_senders_ = true;
    if (!writing_) {
      outbox_.clear();
      outbox_bytes_ = 0;
    }
  }
  // Out of here before the call: handlers often hold what holds us.
  auto handlers = std::exchange(handlers_, {});
  if (handlers.on_close)
    handlers.on_close(std::move(why));
}

} // namespace holt::http
