// SPDX-License-Identifier: Apache-2.0
#include "transport/http_session.hpp"

#include "transport/http_parser.hpp"
#include "transport/http_upgrade.hpp"
#include "transport/http_wire.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

namespace holt::http {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t read_bytes = 2048;           // waiting for a request
constexpr std::size_t body_read_bytes = 32 * 1024; // reading a body
constexpr std::size_t linger_bytes = 256 * 1024;   // read and thrown away after a closing answer

enum class phase {
  idle,      ///< between requests
  head,      ///< a header is arriving
  body,      ///< a body is arriving
  answering, ///< the service works
  upgrading, ///< the service decides about a WebSocket
  writing,
  lingering, ///< answered, reads what is left so that the answer is not lost
  ended,
};

class session final : public connection,
                      public upgrade_host,
                      public std::enable_shared_from_this<session> {
public:
  session(std::unique_ptr<place> seat, socket_type socket, const tcp::endpoint& peer)
    : core_{seat->core().shared_from_this()},
      seat_{std::move(seat)},
      socket_{std::move(socket)},
      timer_{socket_.get_executor()},
      peer_{peer} {}

  void begin() {
    seat_->attach(weak_from_this());
    asio::dispatch(socket_.get_executor(), [self = shared_from_this()] {
      error_code ec;
      self->local_ = self->socket_.local_endpoint(ec);
      self->phase_ = phase::head;
      self->arm(self->core_->options.head_timeout);
      self->read(read_bytes);
    });
  }

  void stop(std::uint16_t, std::string) override {
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
      self->stopping_ = true;
      if (self->phase_ == phase::idle || (self->phase_ == phase::head && !self->begun()))
        self->end();
    });
  }

  void abort() override {
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->end(); });
  }

  // -- upgrade_host, on any thread
  void upgrade_refused(response why) override {
    asio::post(socket_.get_executor(), [self = shared_from_this(), why = std::move(why)]() mutable {
      if (self->phase_ == phase::upgrading)
        self->answer(std::move(why));
    });
  }

  void upgrade_accepted(ws_accept_request what) override {
    asio::post(socket_.get_executor(),
               [self = shared_from_this(), what = std::move(what)]() mutable {
                 self->become_websocket(std::move(what));
               });
  }

  void answered(std::uint64_t number, response what) {
    asio::dispatch(socket_.get_executor(),
                   [self = shared_from_this(), number, what = std::move(what)]() mutable {
                     if (self->phase_ == phase::answering && self->number_ == number)
                       self->answer(std::move(what));
                   });
  }

private:
  // -- time
  void arm(milliseconds after) {
    timer_.expires_after(after);
    timer_.async_wait([self = shared_from_this()](error_code ec) {
      if (!ec && self->timer_.expiry() <= steady_clock::now())
        self->late();
    });
  }

  void late() {
    switch (phase_) {
    case phase::head:
      if (!begun())
        end();
      else
        refuse({errc::request_timeout, "The header did not arrive in time."});
      break;
    case phase::body:
      if (window_bytes_ * 1000
          < core_->options.body_bytes_per_second
              * static_cast<std::uint64_t>(core_->options.body_window.count())) {
        refuse({errc::request_timeout, "The body arrives too slowly."});
      } else {
        window_bytes_ = 0;
        arm(core_->options.body_window);
      }
      break;
    case phase::answering:
    case phase::upgrading: refuse({errc::timeout, "There was no answer in time."}); break;
    default: end();
    }
  }

  // -- in
  void read(std::size_t room) {
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

  /// Bytes of a request are there (the buffer also has the room for the next read).
  bool begun() const { return reading_ ? kept_ > 0 : !buffer_.empty(); }

  void received(error_code ec, std::size_t n) {
    if (phase_ == phase::ended)
      return;
    core_->bytes_in.fetch_add(n, std::memory_order_relaxed);
    if (phase_ == phase::lingering) {
      lingered_ += n;
      buffer_.clear();
      if (ec || lingered_ > linger_bytes)
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
      phase_ = phase::head;
      arm(core_->options.head_timeout);
    }
    if (phase_ == phase::body) {
      window_bytes_ += n;
      take_body();
    } else if (phase_ == phase::head) {
      take_head();
    }
  }

  void take_head() {
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

  void decide() {
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
    seat_->authenticated();
    body_limit_ = *limit;
    if (!frame_.has_body()) {
      hand_over();
      return;
    }
    parser_.body_limit(*limit);
    phase_ = phase::body;
    window_bytes_ = 0;
    arm(core_->options.body_window);
    if (frame_.expect_continue && buffer_.empty())
      say_continue();
    else
      take_body();
  }

  void say_continue() {
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

  void take_body() {
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

  static error too_large(std::uint64_t limit) {
    return {errc::payload_too_large,
            "The body is larger than " + std::to_string(limit) + " bytes."};
  }

  void hand_over() {
    phase_ = phase::answering;
    arm(core_->options.answer_timeout);
    record_.method = current_.method;
    record_.path = current_.path;
    core_->app->handle(std::move(current_), make_reply(number_));
    current_ = {};
  }

  reply make_reply(std::uint64_t number);

  void offer_upgrade() {
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

  void become_websocket(ws_accept_request what) {
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

  // -- out
  /// The framing is not trustworthy, or the peer is too slow: answer, then close.
  void refuse(const error& why) {
    auto what = problem(why);
    what.close = true;
    answer(std::move(what));
  }

  /// Before the body: the connection can go on only when there is none.
  void turn_away(response what) {
    record_.method = current_.method;
    record_.path = current_.path;
    what.close = what.close || frame_.has_body();
    answer(std::move(what));
  }

  void answer(response what) {
    phase_ = phase::writing;
    if (what.status < 200 || what.status > 599) {
      what = problem({errc::internal, "The service gave an impossible status."});
      what.close = true;
    }
    for (auto& h : cors_)
      what.headers.push_back(std::move(h));
    cors_.clear();
    close_after_ = what.close || !frame_.keep_alive || stopping_;
    wire_options how;
    how.keep_alive = !close_after_;
    out_head_ = response_head(what, how);
    out_body_ = is_head_ || !may_have_body(what.status) ? nullptr : std::move(what.body);
    written_ = 0;
    log(what.status, out_body_ ? out_body_->size() : 0);
    write();
  }

  void write() {
    const auto body = out_body_ ? out_body_->size() : std::size_t{0};
    const auto total = out_head_.size() + body;
    if (written_ == total) {
      sent();
      return;
    }
    std::array<asio::const_buffer, 2> parts;
    if (written_ < out_head_.size()) {
      parts[0] = asio::buffer(out_head_) + written_;
      if (out_body_)
        parts[1] = asio::buffer(*out_body_);
    } else {
      parts[0] = asio::buffer(*out_body_) + (written_ - out_head_.size());
    }
    arm(core_->options.write_timeout);
    socket_.async_write_some(parts, [self = shared_from_this()](error_code ec, std::size_t n) {
      if (self->phase_ != phase::writing)
        return;
      self->core_->bytes_out.fetch_add(n, std::memory_order_relaxed);
      self->written_ += n;
      if (ec)
        self->end();
      else
        self->write();
    });
  }

  void sent() {
    out_head_ = {};
    out_body_.reset();
    parser_.reset();
    if (close_after_) {
      error_code ec;
      socket_.shutdown(tcp::socket::shutdown_send, ec);
      phase_ = phase::lingering;
      arm(core_->options.linger);
      if (!reading_) {
        buffer_.clear();
        read(read_bytes);
      }
      return;
    }
    frame_ = {};
    is_head_ = false;
    record_ = {};
    if (buffer_.empty()) {
      phase_ = stopping_ ? phase::ended : phase::idle;
      if (stopping_) {
        end();
        return;
      }
      buffer_.shrink_to_fit();
      arm(core_->options.idle_timeout);
      read(read_bytes);
    } else { // pipelined
      phase_ = phase::head;
      arm(core_->options.head_timeout);
      // Not from here: a peer with thousands of small requests must not grow the stack.
      asio::post(socket_.get_executor(), [self = shared_from_this()] {
        if (self->phase_ == phase::head)
          self->take_head();
      });
    }
  }

  void end() {
    phase_ = phase::ended;
    timer_.cancel();
    error_code ec;
    socket_.close(ec);
    seat_.reset();
  }

  void log(unsigned status, std::uint64_t body_bytes) {
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

  std::shared_ptr<http_core> core_;
  std::unique_ptr<place> seat_;
  socket_type socket_;
  timer_type timer_;
  tcp::endpoint peer_;
  tcp::endpoint local_;
  phase phase_ = phase::head;
  std::string buffer_; ///< received, not used yet
  message_parser parser_;
  framing frame_;
  request current_;
  std::uint64_t number_ = 0; ///< of the request on this connection
  std::uint64_t body_limit_ = 0;
  std::uint64_t window_bytes_ = 0;
  std::vector<header> cors_;
  std::string out_head_;
  std::shared_ptr<const std::string> out_body_;
  std::size_t kept_ = 0; ///< bytes before the room of the read that is under way
  std::size_t written_ = 0;
  std::size_t lingered_ = 0;
  access_record record_;
  steady_clock::time_point started_ = steady_clock::now();
  bool is_head_ = false;
  bool close_after_ = false;
  bool stopping_ = false;
  bool reading_ = false;
};

/// Shared by the copies of one `reply`: the first call counts, none at all answers 500.
class pending_reply {
public:
  pending_reply(std::shared_ptr<session> who, std::uint64_t number)
    : who_{std::move(who)}, number_{number} {}
  pending_reply(const pending_reply&) = delete;
  pending_reply& operator=(const pending_reply&) = delete;
  ~pending_reply() {
    call(problem({errc::internal, "The request was dropped without an answer."}));
  }

  void call(response what) {
    if (done_.exchange(true))
      return;
    who_->answered(number_, std::move(what));
    who_.reset();
  }

private:
  std::shared_ptr<session> who_;
  std::uint64_t number_;
  std::atomic<bool> done_{false};
};

reply session::make_reply(std::uint64_t number) {
  return [state = std::make_shared<pending_reply>(shared_from_this(), number)](response what) {
    state->call(std::move(what));
  };
}

} // namespace

void start_session(std::unique_ptr<place> seat, socket_type socket, const tcp::endpoint& peer) {
  std::make_shared<session>(std::move(seat), std::move(socket), peer)->begin();
}

} // namespace holt::http
