// SPDX-License-Identifier: Apache-2.0

// The ways in which a server's WebSocket comes to its end: closed by us, by the peer, by its breach
// of the rules, by its silence, by the network.

#include "transport/ws_server.hpp"
#include "transport/ws_socket.hpp"

#include <boost/asio/post.hpp>

namespace holt::http {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr unsigned op_close = 8;
constexpr unsigned op_ping = 9;

std::string close_payload(std::uint16_t code, std::string_view reason) {
  code = ws_sendable(code);
  std::string out;
  out += static_cast<char>(code >> 8);
  out += static_cast<char>(code & 0xff);
  return out.append(ws_fitting(reason));
}

} // namespace

void ws_server::close(std::uint16_t code, std::string reason) {
  {
    const std::lock_guard lock{mutex_};
    closed_to_senders_ = true;
  }
  asio::post(socket_.get_executor(),
             [self = shared_from_this(), code, reason = std::move(reason)]() mutable {
               self->begin_close(code, std::move(reason), false);
             });
}

void ws_server::stop(std::uint16_t ws_code, std::string reason) {
  close(ws_code, std::move(reason));
}

void ws_server::abort() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->cut(); });
}

/// What waits is not sent any more; what is under way is.
void ws_server::drop_queue() {
  const std::lock_guard lock{mutex_};
  closed_to_senders_ = true;
  outbox_.clear();
  outbox_bytes_ -= std::exchange(queued_bytes_, 0);
}

/// `drop`: what waits is not sent any more; otherwise the close frame follows it.
void ws_server::begin_close(std::uint16_t code, std::string reason, bool drop) {
  if (finished_ || closing_ || end_after_write_ || (close_wanted_ && !drop))
    return;
  if (!close_wanted_) {
    goodbye_ = close_payload(code, reason);
    why_cut_ = "the peer did not answer the close frame in time";
    liveness_.arm(shared_from_this(), limits_.close_timeout);
  }
  close_wanted_ = true;
  if (drop)
    drop_queue();
  bool idle = false;
  {
    const std::lock_guard lock{mutex_};
    closed_to_senders_ = true;
    idle = !writing_;
  }
  if (idle)
    shake_hands();
  // From now on messages are passed over: also those that waited for credit.
  if (open_)
    resume();
}

void ws_server::shake_hands() {
  if (finished_ || closing_)
    return;
  closing_ = true;
  control(op_close, goodbye_, true);
}

void ws_server::last_frame(std::string payload) {
  end_after_write_ = true;
  liveness_.arm(shared_from_this(), limits_.close_timeout);
  close_wanted_ = true;
  if (closing_) { // ours is on its way or was sent
    bool idle = false;
    {
      const std::lock_guard lock{mutex_};
      idle = !writing_;
    }
    if (idle)
      finish(ending_);
    return;
  }
  drop_queue();
  closing_ = true;
  control(op_close, payload, true);
}

void ws_server::take_close() {
  peer_closed_ = true;
  const auto code = reader_.code();
  ending_ = {code, std::move(reader_.payload())};
  last_frame(code == 1005 ? std::string{} : close_payload(code, {}));
}

void ws_server::fail(std::uint16_t code, std::string why) {
  ending_ = {code, std::move(why)};
  last_frame(close_payload(code, {}));
}

void ws_server::late() {
  if (finished_)
    return;
  if (close_wanted_) {
    cut();
    return;
  }
  liveness_.arm(shared_from_this(), limits_.ping);
  switch (liveness_.tick(waiting_)) {
  case ws_liveness::beat::pause: break;
  case ws_liveness::beat::ping: control(op_ping, open_proof(), false); break;
  case ws_liveness::beat::silent: why_cut_ = "the peer did not answer two pings"; cut();
  }
}

void ws_server::cut() {
  if (finished_)
    return;
  if (peer_closed_) {
    finish(ending_);
    return;
  }
  error_code ignored;
  socket_.close(ignored);
  finish({1006, why_cut_});
}

void ws_server::finish(close_reason why) {
  if (std::exchange(finished_, true))
    return;
  liveness_.stop();
  error_code ignored;
  // We failed the connection: the peer may be sending still, and a reset would eat the reason.
  if (socket_.is_open() && !peer_closed_ && why.code != 1006) {
    socket_.cancel(ignored);
    socket_.shutdown(socket_type::shutdown_send, ignored);
    drain(std::move(seat_), std::move(socket_), limits_.close_timeout);
  } else {
    socket_.shutdown(socket_type::shutdown_send, ignored);
    socket_.close(ignored);
  }
  std::deque<proof> unproven;
  {
    const std::lock_guard lock{mutex_};
    closed_to_senders_ = true;
    outbox_.clear();
    outbox_bytes_ -= std::exchange(queued_bytes_, 0);
    unproven.swap(proofs_); // gone outside of the lock: whoever waited may hold us
  }
  pending_ = {};
  seat_.reset();
  // Out of here before the call: handlers often hold what holds us.
  auto handlers = std::exchange(handlers_, {});
  if (handlers.on_close)
    handlers.on_close(std::move(why));
}

} // namespace holt::http
