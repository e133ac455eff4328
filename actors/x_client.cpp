// SPDX-License-Identifier: Apache-2.0
#include "actors/x_client.hpp"

#include "desktop/modes.hpp"
#include "desktop/root_window.hpp"
#include "supervisor/guards.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace holt {

namespace {

/// The X thread said that it cannot go on.
struct x_lost {
  std::string reason;
};

} // namespace

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::x_lost)

namespace holt {

namespace {

using x_work = std::function<void(result<desktop::connection*>)>;

constexpr std::size_t max_waiting = 256;

/// The thread and its queue. What still waits when it stops is answered with an error.
class x_thread {
public:
  x_thread(desktop::display_address display, std::function<void(std::string)> on_lost)
    : display_{std::move(display)}, on_lost_{std::move(on_lost)}, thread_{[this] { run(); }} {}

  ~x_thread() {
    {
      std::lock_guard guard{mutex_};
      stop_ = true;
      if (x_)
        x_->abort(); // a hung X server must not hold us
    }
    wake_.notify_one();
    thread_.join();
  }

  void post(x_work work) {
    bool full = false;
    {
      std::lock_guard guard{mutex_};
      full = stop_ || jobs_.size() >= max_waiting;
      if (!full)
        jobs_.push_back(std::move(work));
    }
    if (full)
      work(error{errc::busy, "too much waits for the X server"});
    else
      wake_.notify_one();
  }

private:
  void run() {
    auto opened = desktop::connection::open(display_);
    if (opened) {
      std::lock_guard guard{mutex_};
      x_ = std::move(*opened);
    } else {
      on_lost_(opened.error().detail);
    }
    while (auto job = next())
      serve(job);
    std::lock_guard guard{mutex_};
    x_.reset();
  }

  x_work next() {
    std::unique_lock lock{mutex_};
    wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (jobs_.empty())
      return nullptr;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  void serve(const x_work& job) {
    if (!x_ || x_->lost()) {
      job(error{errc::desktop_runtime_inactive, "there is no connection to the X server"});
      return;
    }
    job(x_.get());
    while (x_->next_event()) {
    }
    if (x_->lost() && !told_) {
      told_ = true;
      on_lost_("the X server is gone");
    }
  }

  desktop::display_address display_;
  std::function<void(std::string)> on_lost_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<x_work> jobs_;
  bool stop_ = false;
  bool told_ = false;
  std::unique_ptr<desktop::connection> x_;
  std::thread thread_; ///< last: everything it uses exists
};

struct x_client_state {
  static inline const char* name = "x_client";
  x_client_options how;
  std::unique_ptr<x_thread> thread;
};

using self_ptr = caf::stateful_actor<x_client_state>*;

result<desktop::screen_size> apply(desktop::connection& x, desktop::screen_size size,
                                   unsigned dpi) {
  if (dpi != 0)
    if (auto set = desktop::set_dpi(x, dpi); !set)
      return set.error();
  auto now = desktop::current_mode(x);
  if (!now)
    return now.error();
  bool same = now->width == size.width && now->height == size.height;
  auto after = same ? now : desktop::set_mode(x, size);
  if (!after)
    return after.error();
  if (auto painted = desktop::paint_background(x); !painted)
    return painted.error();
  return after;
}

void set_up(self_ptr self) {
  auto how = self->state.how;
  auto me = caf::actor_cast<caf::actor>(self);
  self->state.thread->post([how, me](const result<desktop::connection*>& x) {
    if (!x)
      return; // told already
    auto done = apply(**x, how.size, how.dpi);
    auto pointer = done ? desktop::set_root_pointer(**x) : result<void>{done.error()};
    if (!pointer)
      caf::anon_send(me, x_lost{pointer.error().detail});
    else if (how.on_ready)
      how.on_ready();
  });
}

caf::behavior behavior(self_ptr self, x_client_options how) {
  install_guards(self);
  auto me = caf::actor_cast<caf::actor_addr>(self);
  self->state.how = std::move(how);
  self->state.thread
    = std::make_unique<x_thread>(self->state.how.display, [me](std::string reason) {
        if (auto strong = caf::actor_cast<caf::actor>(me))
          caf::anon_send(strong, x_lost{std::move(reason)});
      });
  set_up(self);
  return {
    [self](const x_call& what) { self->state.thread->post(what.work); },
    [self](const x_resize& what) {
      self->state.thread->post([what](const result<desktop::connection*>& x) {
        what.answer(x ? apply(**x, what.size, what.dpi) : x.error());
      });
    },
    [self](const x_lost& what) {
      if (self->state.how.on_failure)
        self->state.how.on_failure(what.reason);
      self->quit(caf::exit_reason::remote_link_unreachable);
    },
  };
}

} // namespace

caf::actor spawn_x_client(caf::actor_system& system, x_client_options how) {
  return system.spawn(behavior, std::move(how));
}

} // namespace holt
