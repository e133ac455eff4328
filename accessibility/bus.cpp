// SPDX-License-Identifier: Apache-2.0
#include "accessibility/bus.hpp"

#include "accessibility/bus_line.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace holt::accessibility {

namespace {

using namespace std::chrono_literals;
using clock = line::clock;

constexpr auto connect_limit = 10s;       ///< the launcher may have to be started
constexpr unsigned messages_a_turn = 256; ///< then jobs have their turn
constexpr int longest_sleep_ms = 60'000;
constexpr auto flood_grace = 5s; ///< for answers behind messages that do not end

const node_address launcher{"org.a11y.Bus", "/org/a11y/bus"};
const node_address bus_daemon{"org.freedesktop.DBus", "/org/freedesktop/DBus"};
constexpr const char* properties_interface = "org.freedesktop.DBus.Properties";

} // namespace

struct bus::core {
  std::string session_address;
  // -- shared
  std::mutex mutex;
  std::deque<std::function<void()>> jobs;
  bool stop = false;
  bool begun = false;
  int wake = -1;
  std::thread thread;
  // -- the thread's
  line session;
  line tree;
  bool ready = false;
  std::string mark;
  std::uint64_t attempt = 0; ///< of connecting
  bool connecting = false;
  std::vector<std::function<void(const result<void>&)>> openers;
  std::multimap<clock::time_point, std::function<void()>> timers;

  ~core() {
    if (wake >= 0)
      ::close(wake);
  }

  void signal() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] auto n = ::write(wake, &one, sizeof one);
  }

  void settle(const result<void>& how) {
    connecting = false;
    ++attempt;
    session.close();
    if (!how)
      tree.close();
    ready = how.has_value();
    auto told = std::move(openers);
    openers.clear();
    for (auto& one : told)
      one(how);
  }

  void fail(const std::string& why) {
    settle(error{errc::busy, "the accessibility bus cannot be reached: " + why});
  }

  void connect(std::function<void(const result<void>&)> then) {
    if (ready)
      return then({});
    openers.push_back(std::move(then));
    if (connecting)
      return;
    connecting = true;
    const auto mine = ++attempt;
    timers.emplace(clock::now() + connect_limit, [this, mine] {
      if (mine == attempt && connecting)
        fail("no answer");
    });
    if (int r = session.open(session_address); r < 0)
      return fail(std::string{"the session bus: "} + std::strerror(-r));
    session.call(launcher, "org.a11y.Bus", "GetAddress", connect_limit, nullptr,
                 [this](const result<sd_bus_message*>& got) {
                   auto address = got ? read_text(*got) : std::nullopt;
                   if (!address)
                     return fail(got ? "it told no address" : got.error().detail);
                   switch_on(*address);
                 });
  }

  /// Programs that look whether anybody listens find that somebody does.
  void switch_on(const std::string& address) {
    session.call(
      launcher, properties_interface, "Set", connect_limit,
      [](sd_bus_message* m) {
        return sd_bus_message_append(m, "ssv", "org.a11y.Status", "IsEnabled", "b", 1);
      },
      [this, address](const result<sd_bus_message*>&) { join(address); });
  }

  /// sd-bus would go anywhere, and for `unixexec:` run a program: the first socket of the list.
  static std::string socket_of(std::string_view addresses) {
    while (!addresses.empty()) {
      const auto one = addresses.substr(0, addresses.find(';'));
      if (one.starts_with("unix:"))
        return std::string{one};
      addresses.remove_prefix(std::min(one.size() + 1, addresses.size()));
    }
    return {};
  }

  void join(const std::string& addresses) {
    const auto address = socket_of(addresses);
    if (address.empty())
      return fail("it told an address that is no socket");
    if (int r = tree.open(address); r < 0)
      return fail(std::strerror(-r));
    tree.call(bus_daemon, "org.freedesktop.DBus", "GetId", connect_limit, nullptr,
              [this](const result<sd_bus_message*>& got) {
                auto id = got ? read_text(*got) : std::nullopt;
                if (!id)
                  return fail(got ? "it has no id" : got.error().detail);
                mark = id->substr(0, 4);
                settle({});
              });
  }

  void lost() {
    auto told = tree.take_waiting();
    tree.close();
    ready = false;
    for (auto& one : told)
      one(error{errc::busy, ended_text});
  }

  /// False when it is broken.
  static bool serve(line& which, bool& more) {
    for (unsigned n = 0; which.connection != nullptr && n < messages_a_turn; ++n) {
      const int r = sd_bus_process(which.connection, nullptr);
      if (r < 0)
        return false;
      if (r == 0) {
        which.expire(clock::now());
        return true;
      }
    }
    more = more || which.connection != nullptr;
    which.expire(clock::now() - flood_grace);
    return true;
  }

  void run_timers() {
    while (!timers.empty() && timers.begin()->first <= clock::now()) {
      auto job = std::move(timers.begin()->second);
      timers.erase(timers.begin());
      job();
    }
  }

  int sleep_ms(bool more) const {
    if (more)
      return 0;
    auto until = clock::now() + milliseconds{longest_sleep_ms};
    if (!timers.empty())
      until = std::min(until, timers.begin()->first);
    for (const auto* one : {&session, &tree}) {
      std::uint64_t at = 0;
      if (one->connection != nullptr && sd_bus_get_timeout(one->connection, &at) >= 0
          && at != UINT64_MAX)
        until = std::min(until, clock::time_point{std::chrono::microseconds{at}});
      for (const auto* call : one->waiting)
        until = std::min(until, call->deadline);
    }
    auto left = std::chrono::ceil<milliseconds>(until - clock::now()).count();
    return static_cast<int>(std::clamp<long long>(left, 0, longest_sleep_ms));
  }

  void sleep(bool more) {
    std::vector<pollfd> fds{{wake, POLLIN, 0}};
    for (auto* one : {&session, &tree})
      if (one->connection != nullptr) {
        const int fd = sd_bus_get_fd(one->connection);
        const int events = sd_bus_get_events(one->connection);
        if (fd >= 0 && events >= 0)
          fds.push_back({fd, static_cast<short>(events), 0});
      }
    ::poll(fds.data(), fds.size(), sleep_ms(more));
    std::uint64_t drained = 0;
    [[maybe_unused]] auto n = ::read(wake, &drained, sizeof drained);
  }

  void run() {
    for (;;) {
      std::deque<std::function<void()>> now;
      {
        std::lock_guard guard{mutex};
        if (stop)
          break;
        now.swap(jobs);
      }
      for (auto& job : now)
        job();
      now.clear();
      run_timers();
      bool more = false;
      if (!serve(session, more) && connecting)
        fail("the session bus ended");
      if (!serve(tree, more)) {
        if (connecting)
          fail("it ended");
        else
          lost();
      }
      sleep(more);
    }
    openers.clear();
    timers.clear();
    session.close();
    tree.close();
  }
};

bus::bus(std::string session_address) : core_{std::make_shared<core>()} {
  core_->session_address = std::move(session_address);
  core_->wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

bus::~bus() {
  {
    std::lock_guard guard{core_->mutex};
    core_->stop = true;
  }
  core_->signal();
  if (core_->thread.get_id() == std::this_thread::get_id())
    core_->thread.detach(); // it keeps the core until it is out of it
  else if (core_->thread.joinable())
    core_->thread.join();
  std::lock_guard guard{core_->mutex};
  core_->jobs.clear();
}

void bus::post(std::function<void()> job) {
  std::lock_guard guard{core_->mutex};
  if (core_->stop)
    return;
  core_->jobs.push_back(std::move(job));
  if (!core_->begun) {
    core_->thread = std::thread{[core = core_] { core->run(); }};
    core_->begun = true;
  }
  core_->signal();
}

void bus::connect(std::function<void(const result<void>&)> then) {
  core_->connect(std::move(then));
}

void bus::call(const node_address& to, const char* interface, const char* member,
               milliseconds limit, const arguments& append, reply then) {
  core_->tree.call(to, interface, member, limit, append, std::move(then));
}

void bus::property(const node_address& of, const char* interface, const char* name,
                   milliseconds limit, reply then) {
  core_->tree.call(
    of, properties_interface, "Get", limit,
    [interface, name](sd_bus_message* m) {
      return sd_bus_message_append(m, "ss", interface, name);
    },
    std::move(then));
}

void bus::after(milliseconds delay, std::function<void()> job) {
  core_->timers.emplace(clock::now() + delay, std::move(job));
}

const std::string& bus::mark() const {
  return core_->mark;
}

} // namespace holt::accessibility
