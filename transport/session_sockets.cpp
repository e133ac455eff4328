// SPDX-License-Identifier: Apache-2.0
#include "transport/session_sockets.hpp"

#include "transport/json_guard.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <atomic>
#include <mutex>
#include <utility>

namespace holt::http {

namespace asio = boost::asio;

namespace {

constexpr std::uint16_t session_ended = 4401;

/// Passes everything on and tells the authority about the socket that came of it.
class bound_upgrade final : public upgrade {
public:
  bound_upgrade(upgrade_ptr inner, std::uint64_t session, std::shared_ptr<authority> who)
    : inner_{std::move(inner)}, session_{session}, authority_{std::move(who)} {}

  const request& head() const override { return inner_->head(); }

  void refuse(response why) override { inner_->refuse(std::move(why)); }

  void accept(ws_limits limits, ws_handlers handlers, std::function<void(ws_ptr)> opened,
              std::vector<header> headers) override {
    // Written and read on the connection's strand only.
    const auto watch = std::make_shared<std::uint64_t>(0);
    auto on_close = std::move(handlers.on_close);
    handlers.on_close
      = [who = authority_, watch, on_close = std::move(on_close)](close_reason why) {
          who->forget(*watch);
          if (on_close)
            on_close(std::move(why));
        };
    auto on_open = [who = authority_, session = session_, watch,
                    opened = std::move(opened)](const ws_ptr& socket) {
      if (opened)
        opened(socket);
      *watch = who->watch(session, [weak = std::weak_ptr<ws_connection>{socket}] {
        if (auto one = weak.lock())
          one->close(session_ended, "the session ended");
      });
      if (*watch == 0) // it ended between the request and now
        socket->close(session_ended, "the session ended");
    };
    inner_->accept(limits, std::move(handlers), std::move(on_open), std::move(headers));
  }

private:
  upgrade_ptr inner_;
  std::uint64_t session_;
  std::shared_ptr<authority> authority_;
};

/// Between the connection, which asks, and the body that was to be sent: from `end` on there is no
/// more of it. Calls from any thread.
class ending_body : public std::enable_shared_from_this<ending_body> {
public:
  explicit ending_body(std::shared_ptr<body_source> inner)
    : inner_{std::move(inner)}, events_{inner_->endless()}, patient_{inner_->patient()} {}

  bool events() const noexcept { return events_; }
  bool patient() noexcept {
    std::lock_guard lock{mutex_};
    return patient_ && !over_;
  }

  void next(body_source::done then) {
    std::shared_ptr<body_source> inner;
    {
      std::lock_guard lock{mutex_};
      if (!over_) {
        waiting_ = std::move(then);
        inner = inner_;
      }
    }
    if (!inner)
      return then(last());
    inner->next([weak = weak_from_this()](result<std::string> piece) {
      auto self = weak.lock();
      if (auto waiting = self ? self->take() : nullptr)
        waiting(std::move(piece));
    });
  }

  void end() {
    std::shared_ptr<body_source> inner; // let go of after the lock: it may call
    {
      std::lock_guard lock{mutex_};
      over_ = true;
      inner.swap(inner_);
    }
    if (auto waiting = take())
      waiting(last());
  }

  /// The connection is gone.
  void drop() {
    const auto gone = take(); // it holds the connection
    std::shared_ptr<body_source> inner;
    std::lock_guard lock{mutex_};
    over_ = true;
    inner.swap(inner_);
  }

private:
  body_source::done take() {
    std::lock_guard lock{mutex_};
    return std::exchange(waiting_, nullptr);
  }

  result<std::string> last() {
    if (!events_)
      return error{errc::token_invalid, "the session ended"};
    if (told_.exchange(true))
      return std::string{};
    return "event: end\ndata: "
           + dump_safe({{"code", info(errc::token_invalid).word}, {"detail", "The session ended."}})
           + "\n\n";
  }

  std::mutex mutex_;
  std::shared_ptr<body_source> inner_; ///< null: over
  body_source::done waiting_;          ///< the connection waits for a piece
  const bool events_;
  const bool patient_;
  bool over_ = false;
  std::atomic<bool> told_{false};
};

class bound_body final : public body_source {
public:
  bound_body(std::shared_ptr<ending_body> body, std::uint64_t watch, std::shared_ptr<authority> who)
    : body_{std::move(body)}, watch_{watch}, authority_{std::move(who)} {}
  bound_body(const bound_body&) = delete;
  bound_body& operator=(const bound_body&) = delete;
  ~bound_body() override {
    authority_->forget(watch_);
    body_->drop();
  }
  void next(done then) override { body_->next(std::move(then)); }
  bool endless() const noexcept override { return body_->events(); }
  bool patient() const noexcept override { return body_->patient(); }

private:
  std::shared_ptr<ending_body> body_;
  std::uint64_t watch_;
  std::shared_ptr<authority> authority_;
};

} // namespace

struct session_sockets::timer {
  explicit timer(asio::any_io_executor executor)
    : strand{asio::make_strand(std::move(executor))}, next{strand} {}
  asio::strand<asio::any_io_executor> strand;
  asio::steady_timer next; ///< on the strand
};

session_sockets::session_sockets(asio::any_io_executor executor, std::shared_ptr<authority> who)
  : authority_{std::move(who)}, timer_{std::make_shared<timer>(std::move(executor))} {}

session_sockets::~session_sockets() {
  asio::post(timer_->strand, [timer = timer_] { timer->next.cancel(); });
}

upgrade_ptr session_sockets::bind(upgrade_ptr what, const identity& who) {
  if (who.session == 0)
    return what;
  look_again();
  return std::make_shared<bound_upgrade>(std::move(what), who.session, authority_);
}

streaming_response session_sockets::bind(streaming_response what, const identity& who) {
  if (who.session == 0 || !what.stream)
    return what;
  look_again();
  auto body = std::make_shared<ending_body>(std::move(what.stream));
  const auto watch = authority_->watch(who.session, [weak = std::weak_ptr<ending_body>{body}] {
    if (auto one = weak.lock())
      one->end();
  });
  if (watch == 0) // it ended between the request and now
    body->end();
  what.stream = std::make_shared<bound_body>(std::move(body), watch, authority_);
  return what;
}

void session_sockets::look_again() {
  asio::post(timer_->strand, [weak = weak_from_this()] {
    if (auto self = weak.lock())
      self->arm();
  });
}

void session_sockets::arm() {
  const auto ends = authority_->expire();
  if (!ends)
    return;
  timer_->next.expires_at(*ends + std::chrono::milliseconds{1});
  timer_->next.async_wait([weak = weak_from_this()](boost::system::error_code stopped) {
    if (auto self = stopped ? nullptr : weak.lock())
      self->arm();
  });
}

} // namespace holt::http
