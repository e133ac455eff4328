// SPDX-License-Identifier: Apache-2.0
#include "actors/journal.hpp"

#include "supervisor/guards.hpp"
#include "transport/log.hpp"

#include <condition_variable>
#include <deque>
#include <thread>
#include <utility>

namespace holt {

namespace {

using namespace std::chrono_literals;

constexpr auto sweep_interval = 60s;

/// The store was opened; empty text: nothing was damaged.
struct journal_opened {
  result<std::string> damage;
};

struct journal_sweep {};

link::wall_ms wall_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
           std::chrono::system_clock::now().time_since_epoch())
    .count();
}

class journal_thread final : public journal_desk {
public:
  journal_thread(link::journal_options how, std::function<void(result<std::string>)> opened)
    : thread_{[this, how = std::move(how), opened = std::move(opened)]() mutable {
        run(std::move(how), opened);
      }} {}

  /// What waits is still done: at most a few hundred operations, milliseconds.
  ~journal_thread() override {
    {
      std::lock_guard guard{mutex_};
      stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void post(journal_op what) override {
    {
      std::lock_guard guard{mutex_};
      waiting_.push_back(std::move(what));
      if (waiting_.size() > 1)
        return; // it is awake
    }
    wake_.notify_one();
  }

  std::size_t waiting() const override {
    std::lock_guard guard{mutex_};
    return waiting_.size();
  }

private:
  void run(link::journal_options how, const std::function<void(result<std::string>)>& opened) {
    auto store = link::journal_store::open(std::move(how));
    if (!store)
      return opened(store.error());
    opened((*store)->damage());
    for (;;) {
      std::deque<journal_op> batch;
      {
        std::unique_lock lock{mutex_};
        wake_.wait(lock, [this] { return !waiting_.empty() || stop_; });
        if (waiting_.empty())
          return;
        batch.swap(waiting_);
      }
      for (auto& one : batch)
        if (auto then = one(**store))
          then();
    }
  }

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<journal_op> waiting_;
  bool stop_ = false;
  std::thread thread_; // last: it uses all of the above
};

} // namespace

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::journal_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::journal_sweep)

namespace holt {

namespace {

struct journal_state {
  static inline const char* name = "journal";
  journal_deps deps;
  std::shared_ptr<journal_desk> desk;
  ~journal_state() { deps.place.clear(); }
};

using self_ptr = caf::stateful_actor<journal_state>*;

void sweep(self_ptr self) {
  self->state.desk->post([](link::journal_store& store) -> std::function<void()> {
    auto swept = store.sweep(wall_now());
    if (!swept)
      log::warn("journal", "sweep_failed", {{"detail", swept.error().detail}});
    return {};
  });
  self->delayed_send(self, sweep_interval, journal_sweep{});
}

void opened(self_ptr self, const result<std::string>& damage) {
  auto& state = self->state;
  if (!damage) {
    state.deps.on_fault(damage.error().detail);
    return self->quit(caf::exit_reason::unhandled_exception);
  }
  if (!damage->empty())
    log::error("journal", "damaged", {{"detail", *damage}});
  state.deps.place.set(state.desk);
  state.deps.on_ready();
  sweep(self);
}

caf::behavior behavior(self_ptr self, journal_deps deps) {
  install_guards(self);
  self->state.deps = std::move(deps);
  auto me = caf::actor_cast<caf::actor_addr>(self);
  self->state.desk
    = make_journal_thread(self->state.deps.store, [me](const result<std::string>& damage) {
        if (auto open = caf::actor_cast<caf::actor>(me))
          caf::anon_send(open, journal_opened{damage});
      });
  return {
    [self](const journal_opened& what) { opened(self, what.damage); },
    [self](const journal_sweep&) { sweep(self); },
  };
}

} // namespace

void journal_ref::set(std::shared_ptr<journal_desk> desk) const {
  std::lock_guard guard{box_->mutex};
  box_->desk = std::move(desk);
}

std::shared_ptr<journal_desk> journal_ref::desk() const {
  std::lock_guard guard{box_->mutex};
  return box_->desk;
}

bool journal_ref::post(journal_op what) const {
  auto now = desk();
  if (!now)
    return false;
  now->post(std::move(what));
  return true;
}

std::size_t journal_ref::waiting() const {
  auto now = desk();
  return now ? now->waiting() : 0;
}

std::shared_ptr<journal_desk> make_journal_thread(link::journal_options how,
                                                  std::function<void(result<std::string>)> opened) {
  return std::make_shared<journal_thread>(std::move(how), std::move(opened));
}

caf::actor spawn_journal(caf::actor_system& system, journal_deps deps) {
  return system.spawn(behavior, std::move(deps));
}

} // namespace holt
