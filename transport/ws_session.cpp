// SPDX-License-Identifier: Apache-2.0
#include "transport/ws_session.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

namespace holt::http {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;
using std::chrono::steady_clock;

namespace {

/// Bytes of bookkeeping that one queued message costs: a flood of empty ones is bounded, too.
constexpr std::size_t item_cost = 64;

/// RFC 6455, section 7.4: what may stand in a close frame.
std::uint16_t sendable(std::uint16_t code) noexcept {
  const bool fine = (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006)
                    || (code >= 3000 && code <= 4999);
  return fine ? code : std::uint16_t{1011};
}

/// At most 123 bytes, cut between characters.
std::string_view fitting(std::string_view text) noexcept {
  if (text.size() <= 123)
    return text;
  std::size_t end = 123;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end);
}

} // namespace

ws_session::ws_session(socket_type socket, std::unique_ptr<place> seat, ws_limits limits,
                       ws_handlers handlers)
  : stream_{ws_socket{std::move(socket)}},
    timer_{stream_.get_executor()},
    seat_{std::move(seat)},
    limits_{limits},
    handlers_{std::move(handlers)} {}

void ws_session::attach() {
  if (seat_)
    seat_->attach(weak_from_this());
}

void ws_session::set_options(bool client, std::chrono::milliseconds handshake_timeout) {
  // Liveness is ours; Beast's timer bounds the handshakes at both ends.
  stream_.set_option(
    websocket::stream_base::timeout{handshake_timeout, websocket::stream_base::none(), false});
  stream_.auto_fragment(false);
  if (client)
    stream_.write_buffer_bytes(2048); // masking needs one; servers never allocate it
  stream_.read_message_max(limits_.max_message_bytes);
}

void ws_session::run() {
  if (finished_)
    return;
  open_ = true;
  stream_.set_option(
    websocket::stream_base::timeout{limits_.close_timeout, websocket::stream_base::none(), false});
  stream_.control_callback([this](websocket::frame_type kind, boost::beast::string_view) {
    silent_ticks_ = 0;
    if (kind != websocket::frame_type::close || finished_)
      return;
    // Beast answers, then waits for the end of the TCP connection: not for ever.
    peer_closed_ = true;
    close_wanted_ = true;
    arm(limits_.close_timeout);
  });
  if (!close_wanted_)
    arm(limits_.ping);
  read();
  bool idle = false;
  {
    const std::lock_guard lock{mutex_};
    idle = !writing_;
  }
  if (close_wanted_ && idle) // asked for during the handshake
    shake_hands();
}

void ws_session::failed() {
  finish({1006, "the handshake failed"});
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
    const auto cost = bytes->size() + item_cost;
    full = outbox_bytes_ + cost > limits_.outbox_bytes + item_cost;
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
      outbox_bytes_ -= n + item_cost;
    }
    empty = outbox_.empty();
    if (empty || ec)
      writing_ = false;
  }
  if (seat_)
    seat_->core().bytes_out.fetch_add(n, std::memory_order_relaxed);
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
  silent_ticks_ = 0;
  if (seat_)
    seat_->core().bytes_in.fetch_add(incoming_.size(), std::memory_order_relaxed);
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

void ws_session::stop(std::uint16_t ws_code, std::string reason) {
  close(ws_code, std::move(reason));
}

void ws_session::abort() {
  asio::post(stream_.get_executor(), [self = shared_from_this()] { self->cut(); });
}

/// `drop`: what waits is not sent any more; otherwise the close frame follows it.
void ws_session::begin_close(std::uint16_t code, std::string reason, bool drop) {
  if (finished_ || closing_ || peer_closed_ || (close_wanted_ && !drop))
    return;
  if (!close_wanted_) {
    closing_with_ = websocket::close_reason{static_cast<websocket::close_code>(sendable(code)),
                                            fitting(reason)};
    why_cut_ = "the peer did not answer the close frame in time";
    arm(limits_.close_timeout);
  }
  close_wanted_ = true;
  bool idle = false;
  {
    const std::lock_guard lock{mutex_};
    closed_to_senders_ = true;
    if (drop) {
      // The front one may be under way: it stays until written() takes it.
      while (outbox_.size() > (writing_ ? 1u : 0u)) {
        outbox_bytes_ -= outbox_.back().bytes->size() + item_cost;
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

void ws_session::arm(std::chrono::milliseconds after) {
  timer_.expires_after(after);
  timer_.async_wait([self = shared_from_this()](error_code ec) {
    if (!ec && !self->finished_ && self->timer_.expiry() <= steady_clock::now())
      self->late();
  });
}

void ws_session::late() {
  if (close_wanted_) {
    cut();
    return;
  }
  arm(limits_.ping);
  if (!reading_) { // out of credit: the peer's pongs wait behind messages
    silent_ticks_ = 0;
    return;
  }
  if (silent_ticks_ > 2) {
    why_cut_ = "the peer did not answer two pings";
    cut();
    return;
  }
  if (silent_ticks_++ > 0 || limits_.ping.count() > 0) {
    if (std::exchange(pinging_, true))
      return; // the last one still waits behind a write
    stream_.async_ping({}, [self = shared_from_this()](error_code) { self->pinging_ = false; });
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
  timer_.cancel();
  auto& socket = stream_.next_layer();
  error_code ignored;
  // We failed the connection: the peer may be sending still, and a reset would eat the reason.
  if (socket.is_open() && !socket.encrypted() && !peer_closed_ && why.code != 1006)
    drain(std::move(seat_), std::move(static_cast<socket_type&>(socket)), limits_.close_timeout);
  else
    socket.close(ignored);
  {
    const std::lock_guard lock{mutex_};
    closed_to_senders_ = true;
    if (!writing_) {
      outbox_.clear();
      outbox_bytes_ = 0;
    }
  }
  seat_.reset();
  // Out of here before the call: handlers often hold what holds us.
  auto handlers = std::exchange(handlers_, {});
  if (handlers.on_close)
    handlers.on_close(std::move(why));
}

} // namespace holt::http
