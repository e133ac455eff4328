// SPDX-License-Identifier: Apache-2.0

#include "shell/log_follower.hpp"

#include "shell/log_document.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <utility>

namespace holt::shell {
namespace {

namespace asio = boost::asio;

constexpr std::size_t piece_bytes = 128 * 1024;
constexpr std::chrono::seconds quiet{15};

/// What outlives the connection for a moment; everything on its strand.
class follower_state : public std::enable_shared_from_this<follower_state> {
public:
  using done = http::body_source::done;

  follower_state(live_process_ptr process, log_query from, bool lossless,
                 const asio::any_io_executor& executor)
    : process_{std::move(process)},
      query_{from},
      strand_{asio::make_strand(executor)},
      pause_{strand_},
      lossless_{lossless} {
    query_.max_bytes = piece_bytes;
    if (query_.since == 0 && !query_.offset && !query_.tail)
      query_.seen.emplace(); // else what was before is not known, and no loss has a number
  }

  void next(done then) {
    asio::post(strand_, [self = shared_from_this(), then = std::move(then)]() mutable {
      self->then_ = std::move(then);
      if (!std::exchange(self->following_, true)) {
        self->number_ = self->process_->follow([weak = self->weak_from_this()] {
          if (auto one = weak.lock())
            one->wake();
        });
        if (self->lossless_)
          self->hold_ = self->process_->hold(self->query_.since);
      } else if (self->hold_ != 0) { // what was given is on its way
        self->process_->taken(self->hold_, self->query_.since);
      }
      self->serve();
    });
  }

  void stop() {
    asio::post(strand_, [self = shared_from_this()] {
      self->over_ = true;
      self->then_ = nullptr;
      self->pause_.cancel();
      self->process_->unfollow(std::exchange(self->number_, 0));
      if (self->hold_ != 0)
        self->process_->release(std::exchange(self->hold_, 0), !self->ended_);
    });
  }

private:
  /// From the strand of all processes.
  void wake() {
    if (!due_.exchange(true))
      asio::post(strand_, [self = shared_from_this()] { self->serve(); });
  }

  void serve() {
    due_ = false;
    if (!then_ || over_)
      return;
    if (ended_)
      return give({});
    const bool exited = process_->exited(); // before the look: what came until then is in the log
    std::string out;
    auto page = process_->log().read(query_);
    if (page.lost.sequence > 0)
      lost(out, page);
    for (const auto& entry : page.entries)
      append(out, entry);
    query_.since = page.next;
    query_.tail.reset();
    query_.offset.reset();
    if (exited && !page.more) {
      exit(out);
      ended_ = true;
    }
    if (!out.empty())
      return give(std::move(out));
    if (!std::exchange(begun_, true))
      return give(": following\n\n"); // the head goes out with the first piece
    if (hold_ != 0)                   // nothing of it was for this reader, and all before was taken
      process_->taken(hold_, query_.since);
    wait();
  }

  void give(std::string piece) {
    begun_ = true;
    pause_.cancel();
    if (auto then = std::exchange(then_, nullptr))
      then({boost::system::in_place_value, std::move(piece)});
  }

  void wait() {
    pause_.expires_after(quiet);
    pause_.async_wait([self = shared_from_this()](boost::system::error_code stopped) {
      if (!stopped && self->then_)
        self->give(": quiet\n\n");
    });
  }

  void append(std::string& to, const log_entry& what) {
    if (query_.seen)
      (*query_.seen)[static_cast<std::size_t>(what.stream)] = what.offset + what.bytes.size();
    to.append("event: log\nid: ").append(std::to_string(what.sequence)).append("\ndata: ");
    append_entry(to, what);
    to.append("\n\n");
  }

  void lost(std::string& to, const log_page& page) {
    to.append("event: lost\ndata: ");
    append_lost(to, page.lost);
    to.append("\n\n");
    for (std::size_t i = 0; query_.seen && i < page.forgotten.size(); ++i)
      (*query_.seen)[i] = std::max((*query_.seen)[i], page.forgotten[i]);
  }

  void exit(std::string& to) {
    const auto now = process_->document();
    nlohmann::json end{{"processId", process_->id()}};
    for (const auto* field : {"exitCode", "signal", "exitedAtMs"})
      if (now.contains(field))
        end[field] = now[field];
    to.append("event: exit\ndata: ").append(end.dump()).append("\n\n");
  }

  live_process_ptr process_;
  log_query query_;
  asio::strand<asio::any_io_executor> strand_;
  asio::steady_timer pause_;
  done then_; ///< the connection waits for a piece
  const bool lossless_;
  std::uint64_t number_ = 0;
  std::uint64_t hold_ = 0; ///< 0: it does not hold
  bool following_ = false;
  bool begun_ = false;
  bool ended_ = false; ///< the exit was told
  bool over_ = false;  ///< the connection is gone
  std::atomic<bool> due_{false};
};

class follower final : public http::body_source {
public:
  follower(std::shared_ptr<follower_state> state, bool lossless)
    : state_{std::move(state)}, lossless_{lossless} {}
  ~follower() override { state_->stop(); }
  void next(done then) override { state_->next(std::move(then)); }
  bool endless() const noexcept override { return true; }
  bool patient() const noexcept override { return lossless_; }

private:
  std::shared_ptr<follower_state> state_;
  const bool lossless_;
};

} // namespace

std::shared_ptr<http::body_source> make_log_follower(live_process_ptr process, log_query from,
                                                     bool lossless,
                                                     const asio::any_io_executor& executor) {
  return std::make_shared<follower>(
    std::make_shared<follower_state>(std::move(process), from, lossless, executor), lossless);
}

} // namespace holt::shell
