// SPDX-License-Identifier: Apache-2.0

// Answers that no memory holds: files by sendfile on threads that may wait for the disk, and bodies
// that are made while they are sent.

#include "transport/http_session_state.hpp"

#include <boost/asio/post.hpp>

#include <array>
#include <cstdio>

namespace holt::http {

namespace asio = boost::asio;
using boost::system::error_code;

void http_session::send_file() {
  arm(core_->options.answer_timeout); // the disk's time, not the peer's
  if (!socket_.native_non_blocking()) {
    error_code ec;
    socket_.native_non_blocking(true, ec);
  }
  asio::post(out_file_->blocking(), [self = shared_from_this(), sender = out_file_] {
    auto got = sender->turn();
    asio::post(self->socket_.get_executor(), [self, got] { self->file_sent(got); });
  });
}

void http_session::file_sent(const file_sender::turn_result& got) {
  core_->bytes_out.fetch_add(got.sent, std::memory_order_relaxed);
  if (phase_ != phase::writing || !out_file_)
    return;
  if (got.failed) {
    end();
  } else if (out_file_->left() == 0) {
    sent();
  } else if (!got.full) {
    send_file();
  } else {
    arm(core_->options.write_timeout);
    socket_.async_wait(socket_type::wait_write, [self = shared_from_this()](error_code ec) {
      if (self->phase_ != phase::writing || !self->out_file_)
        return;
      if (ec)
        self->end();
      else
        self->send_file();
    });
  }
}

void http_session::pull() {
  arm(core_->options.answer_timeout);
  out_head_.clear();
  out_body_.reset();
  written_ = 0;
  // The source may keep this for long; end() lets go of it.
  out_stream_->next([self = shared_from_this()](result<std::string> piece) {
    asio::post(self->socket_.get_executor(),
               [self, piece = std::move(piece)]() mutable { self->pulled(std::move(piece)); });
  });
}

void http_session::pulled(result<std::string> piece) {
  if (phase_ != phase::writing || !out_stream_)
    return;
  if (!piece) {
    end();
    return;
  }
  stream_ended_ = piece->empty();
  if (takes_chunks_) {
    std::array<char, 24> size{};
    std::snprintf(size.data(), size.size(), "%zx\r\n", piece->size());
    out_head_ = size.data();
    piece->append("\r\n"); // behind the last chunk: the end of no trailers
  }
  out_body_ = std::make_shared<const std::string>(std::move(*piece));
  write();
}

} // namespace holt::http
