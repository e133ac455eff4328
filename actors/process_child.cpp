// SPDX-License-Identifier: Apache-2.0
#include "actors/process_child.hpp"

#include "transport/log.hpp"
#include "transport/process.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <cstring>

namespace holt {

namespace {

using supervision::child_event;
using supervision::event_sink;

class process_child final : public supervision::child_port,
                            public std::enable_shared_from_this<process_child> {
public:
  process_child(process_tools tools, process_child_options how)
    : tools_{tools}, how_{std::move(how)}, strand_{tools.io.get_executor()}, retry_{tools.io} {}

  void start(generation gen, event_sink sink) override {
    on_strand([gen, sink = std::move(sink)](process_child& self) { self.launch(gen, sink); });
  }

  void stop(generation gen) override {
    on_strand([gen](process_child& self) {
      if (gen == self.gen_)
        self.say_goodbye(gen);
    });
  }

  void kill(generation gen) override {
    on_strand([gen](process_child& self) { self.sweep(gen); });
  }

  void probe(generation gen) override {
    on_strand([gen](process_child& self) { self.ask(gen); });
  }

private:
  using self_ptr = std::shared_ptr<process_child>;

  template <class F>
  void on_strand(F what) {
    boost::asio::dispatch(
      strand_, [self = shared_from_this(), what = std::move(what)]() mutable { what(*self); });
  }

  void tell(generation gen, child_event what) {
    if (gen == gen_ && sink_)
      sink_(gen, std::move(what));
  }

  void launch(generation gen, const event_sink& sink) {
    gen_ = gen;
    sink_ = sink;
    up_ = false;
    process_.reset();
    auto spec = how_.spec();
    if (!spec) {
      tell(gen, supervision::spawn_failed{spec.error().detail,
                                          spec.error().code == errc::dependency_missing});
      return;
    }
    auto self = shared_from_this();
    process_handlers handlers;
    handlers.on_started = [self, gen](result<pid_t> pid) {
      self->on_strand([gen, pid](process_child& me) { me.started(gen, pid); });
    };
    handlers.on_line = [self](const std::string& line) {
      if (self->how_.on_line)
        self->how_.on_line(line);
    };
    handlers.on_exit = [self, gen](exit_status status) {
      self->on_strand([gen, status](process_child& me) { me.ended(gen, status); });
    };
    process_
      = process::start(tools_.starter, strand_, std::move(spec.value()), std::move(handlers));
    if (how_.after_start)
      how_.after_start();
  }

  void started(generation gen, const result<pid_t>& pid) {
    if (!pid) {
      log::warn("supervisor", "spawn_failed", {{"child", how_.id}, {"detail", pid.error().detail}});
      tell(gen, supervision::spawn_failed{pid.error().detail,
                                          pid.error().code == errc::dependency_missing});
      return;
    }
    tell(gen, supervision::spawned{*pid});
    try_ready(gen);
  }

  void try_ready(generation gen) {
    if (gen != gen_ || !process_)
      return;
    if (!how_.ready) {
      is_ready(gen);
      return;
    }
    how_.ready([self = shared_from_this(), gen](result<void> answer) {
      self->on_strand([gen, ok = answer.has_value()](process_child& me) {
        if (gen != me.gen_ || !me.process_)
          return;
        if (ok)
          me.is_ready(gen);
        else
          me.try_later(gen);
      });
    });
  }

  void try_later(generation gen) {
    retry_.expires_after(how_.ready_interval);
    retry_.async_wait(boost::asio::bind_executor(
      strand_, [self = shared_from_this(), gen](boost::system::error_code ec) {
        if (!ec)
          self->try_ready(gen);
      }));
  }

  void is_ready(generation gen) {
    up_ = true;
    if (how_.on_up)
      how_.on_up(true);
    tell(gen, supervision::became_ready{});
  }

  void ended(generation gen, const exit_status& status) {
    if (gen != gen_ || !process_)
      return;
    retry_.cancel();
    if (how_.on_up)
      how_.on_up(false);
    up_ = false;
    supervision::exited what;
    what.last_lines = process_->last_lines(20);
    what.peak_rss_bytes = status.peak_rss_bytes;
    if (status.signal) {
      what.cause = death_cause::signal;
      what.code = *status.signal;
      const auto* name = sigdescr_np(*status.signal);
      what.detail = name != nullptr ? name : "";
    } else {
      what.code = status.code.value_or(0);
    }
    left_.push_back(process_->target());
    if (left_.size() > most_left)
      left_.erase(left_.begin());
    process_.reset();
    tell(gen, std::move(what));
  }

  void say_goodbye(generation gen) {
    if (!process_)
      return;
    if (!how_.before_stop || !up_)
      return signal_stop(gen);
    // Whoever says the goodbye may be gone itself: then nobody answers.
    retry_.expires_after(how_.goodbye_limit);
    retry_.async_wait(boost::asio::bind_executor(
      strand_, [self = shared_from_this(), gen](boost::system::error_code ec) {
        if (!ec)
          self->signal_stop(gen);
      }));
    how_.before_stop([self = shared_from_this(), gen] {
      self->on_strand([gen](process_child& me) {
        if (gen == me.gen_ && me.retry_.cancel() > 0)
          me.signal_stop(gen);
      });
    });
  }

  void signal_stop(generation gen) {
    if (gen != gen_ || !process_)
      return;
    process_->signal(how_.stop_signal);
    process_->signal(SIGCONT); // a stopped process cannot act on it
  }

  /// Kills this run's tree and what earlier runs were allowed to leave.
  void sweep(generation gen) {
    auto targets = std::move(left_);
    left_.clear();
    if (process_)
      targets.push_back(process_->target());
    std::erase_if(targets, [](const process_target& one) { return one.pid == 0; });
    if (gen != gen_ || targets.empty()) {
      tell(gen, supervision::kill_verified{0});
      return;
    }
    struct tally {
      std::size_t open;
      unsigned survivors = 0;
    };
    auto sum = std::make_shared<tally>(tally{targets.size()});
    for (const auto& target : targets)
      tools_.killer.kill(target, how_.kill_limit,
                         [self = shared_from_this(), gen, sum](const sweep_result& left) {
                           self->on_strand([gen, sum, survivors = left.survivors](auto& me) {
                             sum->survivors += static_cast<unsigned>(survivors);
                             if (--sum->open == 0)
                               me.tell(gen, supervision::kill_verified{sum->survivors});
                           });
                         });
  }

  void ask(generation gen) {
    if (gen != gen_ || !process_)
      return;
    if (!how_.live) {
      tell(gen, supervision::probe_ok{});
      return;
    }
    how_.live([self = shared_from_this(), gen](result<void> answer) {
      self->on_strand([gen, answer = std::move(answer)](process_child& me) {
        if (answer)
          me.tell(gen, supervision::probe_ok{});
        else
          me.tell(gen, supervision::probe_missed{answer.error().detail});
      });
    });
  }

  process_tools tools_;
  process_child_options how_;
  boost::asio::strand<boost::asio::io_context::executor_type> strand_;
  boost::asio::steady_timer retry_;
  generation gen_{};
  event_sink sink_;
  std::shared_ptr<process> process_;
  static constexpr std::size_t most_left = 8;
  std::vector<process_target> left_; ///< ended runs whose trees were not swept yet
  bool up_ = false;
};

} // namespace

supervision::child_port_ptr make_process_child(process_tools tools, process_child_options how) {
  return std::make_shared<process_child>(tools, std::move(how));
}

} // namespace holt
