// SPDX-License-Identifier: Apache-2.0
#include "client/terminal_session.hpp"

#include "client/api.hpp"
#include "client/atomic_file.hpp"
#include "client/input_pump.hpp"
#include "client/process_log.hpp"
#include "client/raw_terminal.hpp"
#include "transport/ws_client.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <unistd.h>

namespace holt::client {

namespace {

namespace asio = boost::asio;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t typed_piece = 16 * 1024;
constexpr std::size_t most_kept = 64 * 1024; ///< typed while there is no connection
constexpr std::size_t enough_waiting = 256 * 1024;
constexpr milliseconds full_pause{10};
constexpr milliseconds first_pause{50};
constexpr milliseconds longest_pause{2'000};

class session {
public:
  session(const endpoint& to, const terminal_wish& wish)
    : to_{to},
      wish_{wish},
      keys_{wish.keys},
      signals_{io_},
      retry_{io_},
      flush_{io_},
      cursor_{wish.offset} {
    for (const int number : {SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGTSTP})
      signals_.add(number);
  }

  result<terminal_end> run() {
    give_up_ = steady_clock::now(); // the first time there is nothing to wait for
    wait_signal();
    connect();
    input_pump pump{STDIN_FILENO, typed_piece,
                    [this](std::string bytes) { return typed(std::move(bytes)); },
                    [this] { asio::post(io_, [this] { input_ended(); }); }};
    pump.start();
    io_.run();
    {
      const std::lock_guard lock{mutex_};
      over_ = true;
    }
    if (raw_) {
      if (const auto undo = modes_.undo(); !undo.empty())
        (void)write_all(STDOUT_FILENO, undo, "stdout");
      raw_.reset();
    }
    if (failed_)
      return *failed_;
    return end_;
  }

private:
  // -- the connection

  void connect() {
    http::ws_target where;
    where.host = to_.host;
    where.port = to_.port;
    where.tls = to_.tls;
    where.via = to_.via;
    where.target = to_.prefix + process_route(wish_.id, "/terminal/ws?events=1");
    if (cursor_)
      where.target += "&offset=" + std::to_string(*cursor_);
    else if (wish_.live_only)
      where.target += "&replay=0";
    where.headers.push_back({"Authorization", "Bearer " + to_.token.reveal()});
    where.refused = std::make_shared<http::response>();
    where.refused->status = 0;
    http::ws_limits limits;
    limits.max_message_bytes = 4 * 1024 * 1024;
    limits.outbox_bytes = 4 * enough_waiting;
    http::ws_handlers handlers;
    handlers.on_message = [this](const std::string& payload, bool binary) {
      if (binary)
        print(payload);
      else
        told(payload);
      if (socket_)
        socket_->acknowledge(1);
    };
    handlers.on_close = [this](const http::close_reason& why) { closed(why); };
    auto refused = where.refused;
    (void)http::ws_connect(io_.get_executor(), std::move(where), limits, std::move(handlers),
                           [this, refused](result<http::ws_ptr> got) {
                             if (got)
                               opened(std::move(*got));
                             else
                               not_opened(got.error(), *refused);
                           });
  }

  void opened(http::ws_ptr socket) {
    if (done_)
      return socket->close(1000, "");
    socket_ = std::move(socket);
    give_up_ = steady_clock::now() + wish_.patience;
    pause_ = first_pause;
    if (!raw_)
      raw_.emplace();
    send_size();
    flush();
  }

  void not_opened(const error& why, const http::response& answer) {
    if (answer.status != 0 && answer.status < 500) {
      auto said = refusal(answer.status, answer.body ? *answer.body : std::string{});
      if (said.code == errc::conflict)
        said.detail += "; `holt logs -f " + wish_.id + "` shows what it prints";
      return fail(said);
    }
    come_back({errc::no_daemon, "no daemon answers at " + to_.url + ": " + why.detail});
  }

  void closed(const http::close_reason& why) {
    socket_.reset();
    if (done_ || ended_)
      return finish();
    if (why.code == 4401 || why.code == 4403)
      return fail({errc::token_invalid, "the daemon does not take the token any more"});
    come_back({errc::no_daemon, "the connection to the daemon was lost"
                                  + (why.text.empty() ? "" : " (" + why.text + ")")});
  }

  void come_back(const error& why) {
    if (done_)
      return;
    if (steady_clock::now() >= give_up_)
      return fail(why);
    retry_.expires_after(pause_);
    retry_.async_wait([this](boost::system::error_code stopped) {
      if (!stopped && !done_)
        connect();
    });
    pause_ = std::min(pause_ * 2, longest_pause);
  }

  // -- in

  void print(std::string_view bytes) {
    if (done_)
      return;
    modes_.feed(bytes);
    if (cursor_)
      *cursor_ += bytes.size();
    if (auto put = write_all(STDOUT_FILENO, bytes, "stdout"); !put)
      fail(put.error());
  }

  void told(const std::string& payload) {
    auto frame = json::parse(payload, nullptr, false);
    if (!frame.is_object())
      return;
    auto number = [&frame](const char* name) -> std::optional<std::uint64_t> {
      auto i = frame.find(name);
      return i != frame.end() && i->is_number_unsigned() ? std::optional{i->get<std::uint64_t>()}
                                                         : std::nullopt;
    };
    const auto type = frame.contains("type") ? frame["type"] : json{};
    if (type == "ready") {
      cursor_ = number("offset");
    } else if (type == "lost") {
      end_.lost += number("bytes").value_or(0);
      if (auto at = number("offset"))
        cursor_ = at;
    } else if (type == "exit") {
      ended_ = true;
      if (auto code = number("exitCode"))
        end_.exit_code = static_cast<int>(*code);
      if (auto signal = number("signal"))
        end_.signal = static_cast<int>(*signal);
    } else if (type == "error" && frame.contains("message") && frame["message"].is_string()) {
      end_.complaint = frame["message"].get<std::string>();
    }
  }

  // -- out

  /// On the input's thread: waits while too much is on its way.
  bool typed(std::string bytes) {
    std::unique_lock lock{mutex_};
    if (over_)
      return false;
    room_.wait(lock, [this] { return over_ || waiting_ < most_kept; });
    if (over_)
      return false;
    waiting_ += bytes.size();
    asio::post(io_, [this, bytes = std::move(bytes)] { pass_on(bytes); });
    return true;
  }

  void pass_on(const std::string& bytes) {
    bool leave = false;
    const auto rest = keys_.feed(bytes, leave);
    to_send_ += rest;
    {
      const std::lock_guard lock{mutex_};
      waiting_ -= bytes.size();
      waiting_ += rest.size();
    }
    room_.notify_one();
    flush();
    if (leave) {
      end_.how = terminal_end::kind::detached;
      stop();
    }
  }

  void flush() {
    if (!socket_ || to_send_.empty() || done_)
      return;
    if (socket_->outbox() > enough_waiting) {
      flush_.expires_after(full_pause);
      flush_.async_wait([this](boost::system::error_code stopped) {
        if (!stopped)
          flush();
      });
      return;
    }
    const auto size = std::min(to_send_.size(), typed_piece);
    socket_->send_binary(std::make_shared<const std::string>(to_send_.substr(0, size)));
    to_send_.erase(0, size);
    {
      const std::lock_guard lock{mutex_};
      waiting_ -= size;
    }
    room_.notify_one();
    flush();
  }

  void send_size() {
    if (const auto size = window_size(); size && socket_)
      socket_->send_text(std::make_shared<const std::string>(
        json{{"type", "resize"}, {"cols", size->columns}, {"rows", size->rows}}.dump()));
  }

  /// Our own terminal is gone.
  void input_ended() {
    if (done_)
      return;
    end_.how = terminal_end::kind::signalled;
    end_.signal = SIGHUP;
    stop();
  }

  // -- signals

  void wait_signal() {
    signals_.async_wait([this](boost::system::error_code stopped, int number) {
      if (stopped || done_)
        return;
      if (number == SIGWINCH) {
        send_size();
      } else if (number == SIGTSTP) {
        suspend();
      } else {
        end_.how = terminal_end::kind::signalled;
        end_.signal = number;
        return stop();
      }
      wait_signal();
    });
  }

  void suspend() {
    if (raw_)
      raw_->leave();
    ::kill(::getpid(), SIGSTOP);
    // Here it goes on after SIGCONT.
    if (raw_)
      raw_->enter();
    send_size();
  }

  // -- the end

  void fail(const error& why) {
    if (!failed_ && !done_)
      failed_ = why;
    stop();
  }

  /// The connection is closed in order, then the loop ends.
  void stop() {
    if (std::exchange(done_, true))
      return;
    if (socket_)
      socket_->close(1000, "");
    else
      finish();
  }

  void finish() {
    done_ = true;
    {
      const std::lock_guard lock{mutex_};
      over_ = true;
    }
    room_.notify_one();
    io_.stop();
  }

  const endpoint& to_;
  const terminal_wish& wish_;
  detach_keys keys_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> stay_{io_.get_executor()};
  asio::signal_set signals_;
  asio::steady_timer retry_;
  asio::steady_timer flush_;
  http::ws_ptr socket_;
  std::optional<raw_terminal> raw_; ///< from the first connection on
  terminal_modes modes_;
  std::optional<std::uint64_t> cursor_; ///< the next byte to come
  std::string to_send_;
  steady_clock::time_point give_up_;
  milliseconds pause_{first_pause};
  terminal_end end_;
  std::optional<error> failed_;
  bool ended_ = false; ///< the process has
  bool done_ = false;
  std::mutex mutex_;        ///< guards the next two
  std::size_t waiting_ = 0; ///< typed bytes that are not on their way
  bool over_ = false;
  std::condition_variable room_;
};

} // namespace

result<terminal_end> join_terminal(const endpoint& to, const terminal_wish& wish) {
  return session{to, wish}.run();
}

} // namespace holt::client
