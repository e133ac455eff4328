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
using std::chrono::steady_clock;

namespace {

/// Bytes of bookkeeping that one queued message costs: a flood of empty ones is bounded, too.
constexpr std::size_t item_cost = 64;
/// Up to here a payload is copied into a run of frames; above it is shared and gathered.
constexpr std::size_t copied_bytes = 4 * 1024;
constexpr std::size_t run_bytes = 64 * 1024;  ///< of one run
constexpr std::size_t read_bytes = 64 * 1024; ///< at once
constexpr unsigned op_binary = 2;
constexpr unsigned op_text = 1;
constexpr unsigned op_close = 8;
constexpr unsigned op_ping = 9;
constexpr unsigned op_pong = 10;

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

std::string close_payload(std::uint16_t code, std::string_view reason) {
  code = sendable(code);
  std::string out;
  out += static_cast<char>(code >> 8);
  out += static_cast<char>(code & 0xff);
  return out.append(fitting(reason));
}

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
    timer_{socket_.get_executor()},
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
  arm(limits_.ping);
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
    const auto cost = bytes->size() + item_cost;
    full = outbox_bytes_ + cost > limits_.outbox_bytes + item_cost;
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
    const auto cost = payload.size() + item_cost;
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
    const auto cost = bytes->size() + item_cost;
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
    silent_ticks_ = 0;
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

// -- the end

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
    arm(limits_.close_timeout);
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
  arm(limits_.close_timeout);
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

void ws_server::arm(std::chrono::milliseconds after) {
  timer_.expires_after(after);
  timer_.async_wait([self = shared_from_this()](error_code ec) {
    if (!ec && !self->finished_ && self->timer_.expiry() <= steady_clock::now())
      self->late();
  });
}

void ws_server::late() {
  if (close_wanted_) {
    cut();
    return;
  }
  arm(limits_.ping);
  if (!waiting_) { // out of credit: the peer's pongs wait behind messages
    silent_ticks_ = 0;
    return;
  }
  if (silent_ticks_ > 2) {
    why_cut_ = "the peer did not answer two pings";
    cut();
    return;
  }
  if (silent_ticks_++ > 0 || limits_.ping.count() > 0)
    control(op_ping, open_proof(), false);
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
  timer_.cancel();
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
