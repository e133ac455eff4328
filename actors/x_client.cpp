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

/// The thread and its queue. What still waits when it stops is answered with an error. The thread
/// shares the core with us: a connect to a hung X server cannot be interrupted, so nobody waits for
/// it to end.
class x_thread {
public:
  x_thread(desktop::display_address display, std::function<void(std::string)> on_lost)
    : core_{std::make_shared<core>()} {
    core_->display = std::move(display);
    core_->on_lost = std::move(on_lost);
    std::thread{[shared = core_] { shared->run(); }}.detach();
  }

  ~x_thread() {
    {
      std::lock_guard guard{core_->mutex};
      core_->stop = true;
      if (core_->x)
        core_->x->abort();
    }
    core_->wake.notify_one();
  }

  void post(x_work work) {
    bool full = false;
    {
      std::lock_guard guard{core_->mutex};
      full = core_->stop || core_->jobs.size() >= max_waiting;
      if (!full)
        core_->jobs.push_back(std::move(work));
    }
    if (full)
      work(error{errc::busy, "too much waits for the X server"});
    else
      core_->wake.notify_one();
  }

private:
  struct core {
    void run() {
      auto opened = desktop::connection::open(display);
      {
        std::lock_guard guard{mutex};
        if (opened && !stop)
          x = std::move(*opened);
      }
      if (!opened)
        on_lost(opened.error().detail);
      while (auto job = next())
        serve(job);
      std::lock_guard guard{mutex};
      x.reset();
    }

    x_work next() {
      std::unique_lock lock{mutex};
      auto due = [this] { return stop || !jobs.empty(); };
      // What the server tells every client must be read, or it piles up there.
      while (!wake.wait_for(lock, std::chrono::seconds{1}, due)) {
        lock.unlock();
        drain();
        lock.lock();
      }
      if (jobs.empty())
        return nullptr;
      auto job = std::move(jobs.front());
      jobs.pop_front();
      return job;
    }

    void serve(const x_work& job) {
      if (!x || x->lost()) {
        job(error{errc::desktop_runtime_inactive, "there is no connection to the X server"});
        return;
      }
      job(x.get());
      drain();
    }

    void drain() {
      if (!x)
        return;
      while (x->next_event()) {
      }
      if (x->lost() && !told) {
        told = true;
        on_lost("the X server is gone");
      }
    }

    desktop::display_address display;
    std::function<void(std::string)> on_lost;
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<x_work> jobs;
    bool stop = false;
    bool told = false; ///< the thread's own, as is x but for abort()
    std::unique_ptr<desktop::connection> x;
  };

  std::shared_ptr<core> core_;
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
