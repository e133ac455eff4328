// SPDX-License-Identifier: Apache-2.0
#include "transport/session_sockets.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

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
  asio::post(timer_->strand, [weak = weak_from_this()] {
    if (auto self = weak.lock())
      self->arm();
  });
  return std::make_shared<bound_upgrade>(std::move(what), who.session, authority_);
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
