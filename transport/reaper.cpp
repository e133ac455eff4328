// SPDX-License-Identifier: Apache-2.0

#include "transport/reaper.hpp"

#include "transport/spawner.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/strand.hpp>

#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <utility>

namespace holt {
namespace asio = boost::asio;

class reaper::listener : public std::enable_shared_from_this<listener> {
public:
  listener(asio::any_io_executor executor, std::shared_ptr<child_table> children)
    : strand_(asio::make_strand(std::move(executor))),
      children_(std::move(children)),
      signals_(strand_, SIGCHLD) {}

  void begin() {
    // Asio 1.24 installs its handler without SA_RESTART: each child's end would interrupt a system
    // call of whichever thread the kernel picks.
    struct sigaction now {};
    if (::sigaction(SIGCHLD, nullptr, &now) == 0 && now.sa_handler != SIG_DFL) {
      now.sa_flags |= SA_RESTART;
      ::sigaction(SIGCHLD, &now, nullptr);
    }
    std::weak_ptr<listener> weak = weak_from_this();
    // A start that was under way, or an owner that has waited: somebody may be next in the line.
    children_->on_change([weak] {
      if (auto self = weak.lock())
        self->look_soon();
    });
    listen();
    look_soon();
  }

  void end() {
    children_->on_change({});
    asio::post(strand_, [self = shared_from_this()] {
      self->stopped_ = true;
      self->signals_.cancel();
    });
  }

  std::atomic<std::uint64_t> strangers{0};

private:
  void listen() {
    signals_.async_wait([self = shared_from_this()](boost::system::error_code ec, int) {
      if (ec || self->stopped_)
        return;
      self->look();
      self->listen();
    });
  }

  void look_soon() {
    if (!pending_.exchange(true))
      asio::post(strand_, [self = shared_from_this()] {
        self->pending_ = false;
        self->look();
      });
  }

  void look() {
    if (stopped_)
      return;
    for (;;) {
      std::lock_guard lock{children_->lock()}; // never held for long
      siginfo_t who{};
      // Shows the first that ended. When it is owned, those behind it wait for its owner, whose
      // release() brings us back; when a start may have made it, that start's end does.
      if (::waitid(P_ALL, 0, &who, WEXITED | WNOHANG | WNOWAIT) != 0)
        who.si_pid = 0; // we have no child
      if (!children_->stranger(who.si_pid))
        return;
      if (::waitid(P_PID, static_cast<id_t>(who.si_pid), nullptr, WEXITED | WNOHANG) == 0)
        ++strangers;
    }
  }

  asio::strand<asio::any_io_executor> strand_;
  std::shared_ptr<child_table> children_;
  asio::signal_set signals_;
  std::atomic<bool> pending_{false};
  bool stopped_ = false; ///< on the strand
};

reaper::reaper(asio::any_io_executor executor, std::shared_ptr<child_table> children)
  : listener_(std::make_shared<listener>(std::move(executor), std::move(children))) {
  listener_->begin();
}

reaper::~reaper() {
  listener_->end();
}

std::uint64_t reaper::strangers() const noexcept {
  return listener_->strangers;
}

} // namespace holt
