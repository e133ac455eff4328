// SPDX-License-Identifier: Apache-2.0
#include "transport/ws_server.hpp"

#include "transport/ws_socket.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <charconv>

#include <sys/socket.h>

namespace holt::http {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// Up to here a payload is copied into a run of frames; above it is shared and gathered.
constexpr std::size_t copied_bytes = 4 * 1024;
constexpr std::size_t run_bytes = 64 * 1024;  ///< of one run
constexpr std::size_t read_bytes = 64 * 1024; ///< at once
constexpr unsigned op_binary = 2;
constexpr unsigned op_text = 1;
constexpr unsigned op_ping = 9;
constexpr unsigned op_pong = 10;

} // namespace

/// While one lives on a thread, what is sent from there is written when it goes.
class ws_flush_later {
public:
  ws_flush_later() : outer_{std::exchange(current_, this)} {}
  ws_flush_later(const ws_flush_later&) = delete;
  ws_flush_later& operator=(const ws_flush_later&) = delete;
  ~ws_flush_later() {
    current_ = outer_;
    for (auto& one : waiting_)
      flush(std::move(one));
  }
  static void schedule(std::shared_ptr<ws_server> who) {
    if (current_ != nullptr)
      current_->waiting_.push_back(std::move(who));
    else
      post(std::move(who));
  }

private:
  static void flush(std::shared_ptr<ws_server> who) {
    auto& socket = who->socket_;
    asio::dispatch(socket.get_executor(), [self = std::move(who)] { self->write(); });
  }
  /// From a thread of the io_context too: whoever sends may hold locks that a close asks for.
  static void post(std::shared_ptr<ws_server> who) {
    auto& socket = who->socket_;
    asio::post(socket.get_executor(), [self = std::move(who)] { self->write(); });
  }
  static thread_local ws_flush_later* current_;
  ws_flush_later* outer_;
  std::vector<std::shared_ptr<ws_server>> waiting_;
};

thread_local ws_flush_later* ws_flush_later::current_ = nullptr;

ws_server::ws_server(socket_type socket, std::unique_ptr<place> seat, ws_limits limits,
                     ws_handlers handlers)
  : socket_{std::move(socket)},
    liveness_{socket_.get_executor()},
    seat_{std::move(seat)},
    limits_{limits},
    handlers_{std::move(handlers)},
    reader_{limits.max_message_bytes} {}

void ws_server::begin(std::string answer, const std::function<void(ws_ptr)>& opened) {
  seat_->attach(weak_from_this());
  {
    const std::lock_guard lock{mutex_};
    writing_ = true; // nothing goes out before the answer
    outbox_.push_back({std::move(answer), nullptr});
  }
  liveness_.arm(shared_from_this(), limits_.ping);
  if (opened)
    opened(shared_from_this());
  open_ = true;
  write();
  wait();
}

// -- out

bool ws_server::send_text(std::shared_ptr<const std::string> text) {
  return enqueue(text, op_text);
}

bool ws_server::send_binary(std::shared_ptr<const std::string> bytes) {
  return enqueue(bytes, op_binary);
}

void ws_server::append_locked(unsigned opcode, const std::shared_ptr<const std::string>& bytes) {
  const auto head_bytes = ws_server_head(opcode, bytes->size());
  const auto head = head_bytes.view();
  const auto size = head.size() + bytes->size();
  const bool copied = bytes->size() <= copied_bytes;
  if (outbox_.empty() || outbox_.back().shared || outbox_.back().own.size() + size > run_bytes)
    outbox_.emplace_back();
  auto& run = outbox_.back().own;
  run.append(head);
  if (copied)
    run.append(*bytes);
  else
    outbox_.push_back({{}, bytes});
}

bool ws_server::enqueue(const std::shared_ptr<const std::string>& bytes, unsigned opcode) {
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
      queued_bytes_ += cost;
      append_locked(opcode, bytes);
      if (std::exchange(writing_, true))
        return true;
    }
  }
  if (full)
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
      self->begin_close(1013, "the reader is too slow", true);
    });
  else
    ws_flush_later::schedule(shared_from_this());
  return !full;
}

void ws_server::control(unsigned opcode, std::string_view payload, bool always) {
  {
    const std::lock_guard lock{mutex_};
    // Who does not read gets no pongs either.
    if (!always && outbox_bytes_ > limits_.outbox_bytes)
      return;
    const auto cost = payload.size() + ws_item_cost;
    outbox_bytes_ += cost;
    queued_bytes_ += cost;
    append_locked(opcode, std::make_shared<const std::string>(payload));
    if (std::exchange(writing_, true))
      return;
  }
  ws_flush_later::schedule(shared_from_this());
}

void ws_server::when_read(std::function<void()> read) {
  {
    const std::lock_guard lock{mutex_};
    if (closed_to_senders_)
      return;
    proofs_.push_back({++last_proof_, std::move(read)});
    const auto bytes = std::make_shared<const std::string>(std::to_string(last_proof_));
    const auto cost = bytes->size() + ws_item_cost;
    outbox_bytes_ += cost;
    queued_bytes_ += cost;
    append_locked(op_ping, bytes);
    if (std::exchange(writing_, true))
      return;
  }
  ws_flush_later::schedule(shared_from_this());
}

/// For a ping that asks for a sign of life: its pong may stand for that of an earlier one, too.
std::string ws_server::open_proof() const {
  const std::lock_guard lock{mutex_};
  return proofs_.empty() ? std::string{} : std::to_string(proofs_.back().number);
}

/// A pong of a number proves all up to it; any other is a sign of life only.
void ws_server::take_pong(std::string_view payload) {
  std::uint64_t number = 0;
  const auto [end, ec] = std::from_chars(payload.data(), payload.data() + payload.size(), number);
  if (ec != std::errc{} || end != payload.data() + payload.size())
    return;
  std::vector<std::function<void()>> calls;
  {
    const std::lock_guard lock{mutex_};
    if (number > last_proof_)
      return;
    while (!proofs_.empty() && proofs_.front().number <= number) {
      calls.push_back(std::move(proofs_.front().read));
      proofs_.pop_front();
    }
  }
  for (const auto& call : calls)
    if (call)
      call();
}

std::size_t ws_server::outbox() const {
  const std::lock_guard lock{mutex_};
  return outbox_bytes_;
}

void ws_server::write() {
  if (finished_ || !in_flight_.empty())
    return;
  {
    const std::lock_guard lock{mutex_};
    if (outbox_.empty()) {
      writing_ = false;
      return;
    }
    in_flight_.swap(outbox_);
    in_flight_bytes_ = std::exchange(queued_bytes_, 0);
  }
  std::vector<asio::const_buffer> buffers;
  buffers.reserve(in_flight_.size());
  for (const auto& one : in_flight_)
    buffers.push_back(one.shared ? asio::buffer(*one.shared) : asio::buffer(one.own));
  asio::async_write(socket_, std::move(buffers),
                    [self = shared_from_this()](error_code ec, std::size_t n) {
                      if (self->seat_)
                        self->seat_->core().bytes_out.fetch_add(n, std::memory_order_relaxed);
                      self->written(ec);
                    });
}

void ws_server::written(error_code ec) {
  in_flight_.clear();
  bool empty = false;
  {
    const std::lock_guard lock{mutex_};
    outbox_bytes_ -= std::exchange(in_flight_bytes_, 0);
    empty = outbox_.empty();
    if (empty || ec)
      writing_ = false;
    if (empty)
      std::vector<piece>{}.swap(outbox_); // an idle connection holds no memory
  }
  if (finished_)
    return;
  if (ec) {
    if (why_cut_.empty())
      why_cut_ = ec.message();
    cut();
    return;
  }
  if (empty)
    std::vector<piece>{}.swap(in_flight_);
  if (!empty)
    write();
  else if (end_after_write_)
    finish(ending_);
  else if (close_wanted_ && !closing_)
    shake_hands();
}

// -- in

void ws_server::wait() {
  if (waiting_ || finished_ || end_after_write_ || !hungry() || !pending_.empty())
    return;
  waiting_ = true;
  socket_.async_wait(socket_type::wait_read, [self = shared_from_this()](error_code ec) {
    self->waiting_ = false;
    if (self->finished_)
      return;
    if (ec) {
      self->why_cut_ = ec.message();
      self->cut();
      return;
    }
    self->readable();
  });
}

void ws_server::readable() {
  // One for a thread: nothing of it is kept between two calls.
  static thread_local std::unique_ptr<char[]> buffer{new char[read_bytes]};
  const auto n = ::recv(socket_.native_handle(), buffer.get(), read_bytes, MSG_DONTWAIT);
  if (n > 0) {
    const ws_flush_later later;
    const auto size = static_cast<std::size_t>(n);
    if (seat_)
      seat_->core().bytes_in.fetch_add(size, std::memory_order_relaxed);
    liveness_.heard();
    consume({buffer.get(), size});
    wait();
    return;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    wait();
    return;
  }
  if (why_cut_.empty())
    why_cut_ = n == 0 ? "the connection ended"
                      : error_code{errno, boost::system::system_category()}.message();
  cut();
}

void ws_server::consume(std::string_view bytes) {
  using step = ws_reader::step;
  while (!finished_ && !end_after_write_) {
    if (!hungry()) {
      pending_.assign(bytes);
      return;
    }
    const auto got = reader_.next(bytes);
    switch (got) {
    case step::more: return;
    case step::text:
    case step::binary:
      if (close_wanted_)
        break;
      ++unacknowledged_;
      if (handlers_.on_message)
        handlers_.on_message(std::move(reader_.payload()), got == step::binary);
      break;
    case step::ping:
      if (!closing_)
        control(op_pong, reader_.payload(), false);
      break;
    case step::pong: take_pong(reader_.payload()); break;
    case step::close: take_close(); return;
    case step::fault: fail(reader_.code(), reader_.why()); return;
    }
  }
}

void ws_server::acknowledge(unsigned n) {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this(), n] {
    self->unacknowledged_ -= std::min(n, self->unacknowledged_);
    if (!self->waiting_ && self->open_ && self->unacknowledged_ + n >= self->limits_.credit)
      asio::post(self->socket_.get_executor(), [self] { self->resume(); });
  });
}

/// Credit came back.
void ws_server::resume() {
  if (finished_ || waiting_)
    return;
  if (!pending_.empty()) {
    const ws_flush_later later;
    const auto bytes = std::exchange(pending_, {});
    consume(bytes);
  }
  wait();
}

} // namespace holt::http
