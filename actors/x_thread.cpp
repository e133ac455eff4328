// SPDX-License-Identifier: Apache-2.0
#include "actors/x_thread.hpp"

#include "desktop/workbench.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace holt {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr std::size_t max_waiting = 256;
constexpr auto longest_sleep = 1'000ms;

error inactive() {
  return {errc::desktop_runtime_inactive, "Desktop runtime has not been started"};
}

} // namespace

error x_gone() {
  return {errc::desktop_runtime_inactive, "the X server went away before this was done"};
}

struct x_thread::core {
  core() : wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {}
  ~core() {
    if (wake >= 0)
      ::close(wake);
  }
  core(const core&) = delete;
  core& operator=(const core&) = delete;

  void post(x_work work) {
    bool full = false;
    bool stopped = false;
    bool first = false;
    {
      std::lock_guard guard{mutex};
      stopped = stop;
      full = jobs.size() >= max_waiting;
      first = jobs.empty();
      if (!stopped && !full)
        jobs.push_back(std::move(work));
    }
    if (stopped)
      work(inactive());
    else if (full)
      work(error{errc::busy, "too much waits for the X server"});
    else if (first)
      ring();
  }

  void ring() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] auto n = ::write(wake, &one, sizeof one);
  }

  void end() {
    {
      std::lock_guard guard{mutex};
      stop = true;
      if (x)
        x->abort();
    }
    ring();
  }

  void run() {
    if (auto opened = open(); !opened)
      lost(opened.error().detail);
    for (;;) {
      std::deque<x_work> now;
      bool last = false;
      {
        std::lock_guard guard{mutex};
        now.swap(jobs);
        last = stop;
      }
      for (const auto& job : now)
        serve(job);
      if (last && now.empty())
        break;
      auto until = clock::time_point::max();
      if (bench) {
        until = bench->turn(clock::now());
        if (bench->x().lost()) {
          lost("the X server is gone");
          bench.reset(); // what waits is told
        }
      }
      sleep(until);
    }
    bench.reset();
    std::lock_guard guard{mutex};
    x.reset();
  }

  result<void> open() {
    auto opened = desktop::connection::open(display);
    if (!opened)
      return opened.error();
    std::shared_ptr<desktop::connection> shared{std::move(*opened)};
    {
      std::lock_guard guard{mutex};
      if (stop)
        return error{errc::io, "stopped"};
      x = shared;
    }
    auto made = desktop::workbench::create(shared);
    if (!made)
      return made.error();
    bench = std::move(*made);
    return {};
  }

  void serve(const x_work& job) {
    if (!bench || bench->x().lost())
      job(inactive());
    else
      job(bench.get());
    if (bench)
      bench->pump(); // the next job sees what this one caused
  }

  void lost(const std::string& why) {
    if (!std::exchange(told, true))
      on_lost(why);
  }

  void sleep(clock::time_point until) const {
    std::array<pollfd, 2> sources{pollfd{wake, POLLIN, 0}, pollfd{-1, POLLIN, 0}};
    if (bench && !told)
      sources[1].fd = bench->x().fd();
    auto left = longest_sleep;
    auto now = clock::now();
    if (until < now + left)
      left = std::max(0ms, std::chrono::ceil<std::chrono::milliseconds>(until - now));
    ::poll(sources.data(), sources.size(), static_cast<int>(left.count()));
    std::uint64_t count = 0;
    if ((sources[0].revents & POLLIN) != 0) {
      [[maybe_unused]] auto n = ::read(wake, &count, sizeof count);
    }
  }

  desktop::display_address display;
  std::function<void(std::string)> on_lost;
  int wake;
  std::mutex mutex;
  std::deque<x_work> jobs;
  bool stop = false;
  std::shared_ptr<desktop::connection> x; ///< others may only abort() it
  // The thread's own:
  bool told = false;
  std::unique_ptr<desktop::workbench> bench;
};

x_thread::x_thread(desktop::display_address display, std::function<void(std::string)> on_lost)
  : core_{std::make_shared<core>()} {
  core_->display = std::move(display);
  core_->on_lost = std::move(on_lost);
  std::thread{[shared = core_] { shared->run(); }}.detach();
}

x_thread::~x_thread() {
  core_->end();
}

void x_thread::post(x_work work) {
  core_->post(std::move(work));
}

void x_door::post(x_work work) {
  std::shared_ptr<x_thread::core> now;
  {
    std::lock_guard guard{mutex_};
    now = core_.lock();
  }
  if (now)
    now->post(std::move(work));
  else
    work(inactive());
}

void x_door::open(const x_thread& thread) {
  std::lock_guard guard{mutex_};
  core_ = thread.core_;
}

void x_door::close(const x_thread& thread) {
  std::lock_guard guard{mutex_};
  if (core_.lock() == thread.core_)
    core_.reset();
}

} // namespace holt
