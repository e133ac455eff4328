// SPDX-License-Identifier: Apache-2.0
#include "transport/http_session_state.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace holt::http {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// The write time-out of a body that is patient; a machine that is gone ends it sooner.
constexpr std::chrono::hours patience{24};

bool has_header(const response& what, std::string_view name) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::any_of(what.headers.begin(), what.headers.end(), [&](const header& one) {
    return std::equal(one.name.begin(), one.name.end(), name.begin(), name.end(),
                      [&](char a, char b) { return lower(a) == lower(b); });
  });
}

} // namespace

void http_session::refuse(const error& why) {
  auto what = problem(why);
  what.close = true;
  answer(std::move(what));
}

void http_session::turn_away(response what) {
  record_.method = current_.method;
  record_.path = current_.path;
  what.close = what.close || frame_.has_body();
  answer(std::move(what));
}

void http_session::answer(streaming_response what) {
  phase_ = phase::writing;
  if (what.status < 200 || what.status > 599) {
    what = problem({errc::internal, "The service gave an impossible status."});
    what.close = true;
  }
  // A service with CORS of its own keeps it: a browser refuses an answer that says it twice.
  for (auto& h : cors_)
    if (!has_header(what, h.name))
      what.headers.push_back(std::move(h));
  cors_.clear();
  close_after_ = what.close || what.stream || !frame_.keep_alive || stopping_;
  wire_options how;
  how.keep_alive = !close_after_;
  how.file_length = what.file ? what.file->length : 0;
  how.stream = what.stream != nullptr;
  how.chunked = takes_chunks_;
  out_head_ = response_head(what, how);
  written_ = 0;
  stream_ended_ = false;
  sink_.reset();
  if (!is_head_ && may_have_body(what.status)) {
    log(what.status, what.body ? what.body->size() : how.file_length);
    out_stream_ = std::move(what.stream);
    if (!out_stream_ && what.file && what.file->length > 0)
      out_file_ = file_sender::make(socket_.native_handle(), std::move(*what.file));
    if (!out_stream_ && !what.file)
      out_body_ = std::move(what.body);
    if (out_stream_ && !reading_) {
      buffer_.clear();
      read(read_bytes);
    }
  } else {
    log(what.status, 0);
  }
  write();
}

void http_session::write() {
  const auto body = out_body_ ? out_body_->size() : std::size_t{0};
  const auto total = out_head_.size() + body;
  if (written_ == total) {
    if (out_file_)
      send_file();
    else if (out_stream_ && !stream_ended_)
      pull();
    else
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
  write_until_ = std::chrono::steady_clock::now() + patience;
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

void http_session::sent() {
  out_head_ = {};
  out_body_.reset();
  out_file_.reset();
  out_stream_.reset();
  parser_.reset();
  if (close_after_) {
    error_code ec;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ec);
    phase_ = phase::lingering;
    arm(core_->options.linger);
    linger_until_ = std::chrono::steady_clock::now() + linger_rounds * core_->options.linger;
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
    seat_->waiting(true);
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

} // namespace holt::http
