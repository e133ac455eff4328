// SPDX-License-Identifier: Apache-2.0
#include "stream/x_worker.hpp"

#include "stream/wake_fd.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <pthread.h>

namespace holt::stream {

using namespace std::chrono;
using namespace std::chrono_literals;

namespace {
constexpr auto ping_interval = 1s;
constexpr auto stop_patience = 2s; ///< for releasing keys; then the connection is cut
} // namespace

struct x_worker::state {
  using clock = x_part::clock;

  desktop::display_address address;
  std::function<void(const error&)> on_failure;
  std::vector<x_part*> parts;
  std::unique_ptr<desktop::connection> x;
  wake_fd waker;
  std::thread thread;
  std::atomic<bool> quit{false};
  std::atomic<clock::rep> tick{0};
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false; ///< guarded

  void run() {
    pthread_setname_np(pthread_self(), "x-worker");
    auto next_ping = clock::now();
    bool lost = false;
    while (!quit && !lost) {
      while (auto event = x->next_event())
        for (auto* part : parts)
          part->on_event(*event);
      auto now = clock::now();
      if (now >= next_ping) {
        lost = !x->ping();
        tick = clock::now().time_since_epoch().count();
        next_ping = clock::now() + ping_interval;
      }
      auto until = next_ping;
      for (auto* part : parts)
        until = std::min(until, part->on_turn(clock::now()));
      x->flush();
      lost = lost || x->lost();
      // A part's request may have brought events along with its reply; they are in memory now and
      // the socket will not say so.
      if (auto event = x->next_event()) {
        for (auto* part : parts)
          part->on_event(*event);
        continue;
      }
      if (!quit && !lost)
        waker.wait(x->fd(), until);
    }
    for (auto* part : parts)
      part->close();
    {
      std::lock_guard lock{mutex};
      ended = true;
      changed.notify_all();
    }
    if (!quit && on_failure)
      on_failure({errc::io, "the X server is gone"});
  }
};

x_worker::x_worker(desktop::display_address display, std::function<void(const error&)> on_failure)
  : state_(std::make_unique<state>()) {
  state_->address = std::move(display);
  state_->on_failure = std::move(on_failure);
}

x_worker::~x_worker() {
  stop();
}

void x_worker::add(x_part& part) {
  auto& parts = state_->parts;
  if (std::find(parts.begin(), parts.end(), &part) == parts.end())
    parts.push_back(&part);
}

result<void> x_worker::start() {
  auto& s = *state_;
  if (s.thread.joinable())
    return error{errc::conflict, "the worker runs already"};
  if (!s.waker.valid())
    return error{errc::io, "no eventfd"};
  auto x = desktop::connection::open(s.address);
  if (!x)
    return x.error();
  s.x = std::move(*x);
  for (std::size_t i = 0; i < s.parts.size(); ++i)
    if (auto opened = s.parts[i]->open(*s.x); !opened) {
      while (i-- > 0)
        s.parts[i]->close();
      s.x.reset();
      return opened;
    }
  s.tick = state::clock::now().time_since_epoch().count();
  s.quit = false;
  s.ended = false;
  s.thread = std::thread{[&s] { s.run(); }};
  return {};
}

void x_worker::stop() {
  auto& s = *state_;
  if (!s.thread.joinable())
    return;
  s.quit = true;
  s.waker.wake();
  {
    std::unique_lock lock{s.mutex};
    if (!s.changed.wait_for(lock, stop_patience, [&s] { return s.ended; }))
      s.x->abort();
  }
  s.thread.join();
  s.x.reset();
}

void x_worker::wake() {
  state_->waker.wake();
}

std::chrono::milliseconds x_worker::since_tick() const {
  steady_clock::time_point then{steady_clock::duration{state_->tick.load()}};
  return duration_cast<milliseconds>(steady_clock::now() - then);
}

} // namespace holt::stream
