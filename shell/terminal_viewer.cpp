// SPDX-License-Identifier: Apache-2.0

#include "shell/terminal_viewer.hpp"

#include "shell/process_fields.hpp"
#include "transport/json_guard.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <utility>

namespace holt::shell {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::uint64_t replayed = 256 * 1024;
constexpr std::size_t piece_bytes = 32 * 1024;
/// More than this waits for the socket: the viewer is slow, and is asked again a little later.
constexpr std::size_t enough_waiting = 256 * 1024;
constexpr milliseconds slow_pause{10};
constexpr int pieces_in_a_row = 8;

class viewer : public std::enable_shared_from_this<viewer> {
public:
  viewer(live_process_ptr process, viewer_options how, const asio::any_io_executor& executor)
    : process_{std::move(process)},
      how_{how},
      strand_{asio::make_strand(executor)},
      pause_{strand_} {
    auto& log = process_->log();
    const auto total = log.total(output_stream::terminal);
    cursor_ = how_.live_only ? total
              : how_.offset  ? std::min(*how_.offset, total)
                             : std::max(log.first(output_stream::terminal),
                                       total > replayed ? total - replayed : 0);
  }

  void open(const http::upgrade_ptr& what) {
    http::ws_handlers handlers;
    handlers.on_message = [self = shared_from_this()](std::string payload, bool binary) {
      self->heard(std::move(payload), binary);
    };
    handlers.on_close = [self = shared_from_this()](const http::close_reason&) {
      asio::post(self->strand_, [self] { self->closed(); });
    };
    http::ws_limits limits;
    limits.max_message_bytes = static_cast<std::size_t>(how_.max_input) * 2 + 4'096;
    limits.outbox_bytes = 4 * enough_waiting;
    what->accept(limits, std::move(handlers), [self = shared_from_this()](http::ws_ptr socket) {
      // Before any message: this one is the first to be sent.
      socket->send_text(
        text({{"type", "ready"}, {"processId", self->process_->id()}, {"offset", self->cursor_}}));
      {
        std::lock_guard lock{self->mutex_};
        self->incoming_ = socket;
      }
      asio::post(self->strand_, [self, socket] { self->begin(socket); });
    });
  }

private:
  static std::shared_ptr<const std::string> text(const json& what) {
    return std::make_shared<const std::string>(http::dump_safe(what));
  }

  // -- out: on our strand

  void begin(const http::ws_ptr& socket) {
    if (over_)
      return;
    socket_ = socket;
    follower_ = process_->follow([weak = weak_from_this()] {
      if (auto self = weak.lock())
        self->wake();
    });
    pump();
  }

  /// From the strand of all processes.
  void wake() {
    if (!due_.exchange(true))
      asio::post(strand_, [self = shared_from_this()] { self->pump(); });
  }

  void pump() {
    due_ = false;
    if (!socket_)
      return;
    const bool ended = process_->exited(); // before the look: what came until then is in the log
    for (int i = 0; i < pieces_in_a_row; ++i) {
      if (socket_->outbox() > enough_waiting)
        return come_back();
      auto piece = process_->log().read_bytes(output_stream::terminal, cursor_, piece_bytes);
      if (piece.lost > 0 && !tell_lost(piece))
        return;
      cursor_ = piece.offset + piece.bytes.size();
      if (piece.bytes.empty()) {
        if (ended)
          say_exit();
        return;
      }
      if (!socket_->send_binary(std::make_shared<const std::string>(std::move(piece.bytes))))
        return closed();
    }
    wake(); // the others have their turn
  }

  bool tell_lost(const process_log::piece& piece) {
    if (how_.extended)
      return socket_->send_text(
        text({{"type", "lost"}, {"bytes", piece.lost}, {"offset", piece.offset}}));
    socket_->close(info(errc::slow_reader).ws_close, "too slow: output was lost");
    closed();
    return false;
  }

  void come_back() {
    if (std::exchange(pausing_, true))
      return;
    pause_.expires_after(slow_pause);
    pause_.async_wait([self = shared_from_this()](boost::system::error_code) {
      self->pausing_ = false;
      self->pump();
    });
  }

  void say_exit() {
    json last{{"type", "exit"}};
    if (auto code = process_->exit_code())
      last["exitCode"] = *code;
    if (auto number = process_->exit_signal(); number && how_.extended)
      last["signal"] = *number;
    socket_->send_text(text(last));
    socket_->close(1000, "the process has ended");
    closed();
  }

  void closed() {
    over_ = true;
    if (follower_ != 0)
      process_->unfollow(std::exchange(follower_, 0));
    socket_.reset();
    pause_.cancel();
    std::lock_guard lock{mutex_};
    incoming_.reset();
  }

  // -- in: on the socket's strand

  void heard(std::string payload, bool binary) {
    http::ws_ptr socket;
    {
      std::lock_guard lock{mutex_};
      socket = incoming_.lock();
    }
    if (!socket)
      return;
    if (auto done = binary ? process_->write(std::move(payload)) : obey(payload, socket); !done)
      socket->send_text(text({{"type", "error"}, {"message", done.error().detail}}));
    socket->acknowledge(1);
  }

  result<void> obey(const std::string& payload, const http::ws_ptr& socket) {
    auto frame = http::parse_json(payload);
    if (!frame)
      return error{errc::invalid_request, "invalid terminal frame: " + frame.error().detail};
    const auto type = frame->is_object() && frame->contains("type") ? (*frame)["type"] : json{};
    if (type == "input") {
      auto bytes = decode_input(*frame, "utf8", how_.max_input);
      return bytes ? process_->write(std::move(*bytes)) : bytes.error();
    }
    if (type == "resize") {
      auto size = decode_size(*frame);
      return size ? process_->resize(size->columns, size->rows) : size.error();
    }
    if (type == "close") {
      socket->close(1000, "");
      return {};
    }
    return error{errc::invalid_request,
                 "invalid terminal frame: type must be input, resize or close"};
  }

  live_process_ptr process_;
  const viewer_options how_;
  asio::strand<asio::any_io_executor> strand_;
  asio::steady_timer pause_;
  http::ws_ptr socket_;      ///< while it is served
  std::uint64_t cursor_ = 0; ///< the next byte to send
  std::uint64_t follower_ = 0;
  bool pausing_ = false;
  bool over_ = false;
  std::atomic<bool> due_{false}; ///< a pump is posted
  std::mutex mutex_;
  std::weak_ptr<http::ws_connection> incoming_;
};

} // namespace

void open_terminal_viewer(const http::upgrade_ptr& what, live_process_ptr process,
                          viewer_options how, const asio::any_io_executor& executor) {
  std::make_shared<viewer>(std::move(process), how, executor)->open(what);
}

} // namespace holt::shell
