// SPDX-License-Identifier: Apache-2.0
#include "actors/app_launcher.hpp"

#include "desktop/workbench.hpp"

#include <algorithm>
#include <fstream>
#include <set>

namespace holt {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto patience = 10s;
constexpr auto patience_after_end = 5s; ///< what it left behind may still open one
constexpr auto look_again = 20ms;

/// The variable by which all descendants of one launch are known.
std::string key_of(pid_t pid) {
  std::ifstream in{"/proc/" + std::to_string(pid) + "/environ", std::ios::binary};
  constexpr std::string_view name = "HOLT_CHILD=";
  for (std::string entry; std::getline(in, entry, '\0');)
    if (entry.rfind(name, 0) == 0)
      return entry.substr(name.size());
  return {};
}

} // namespace

struct app_launcher::launch {
  std::vector<std::string> command;
  bool wait = false;
  answer done;
  std::set<std::uint32_t> before; ///< windows that were there already
  launched_app out;
  std::atomic<std::shared_ptr<process>> leader; ///< null until it was handed over
  std::atomic<bool> ended{false};
  std::atomic<bool> failed{false}; ///< ended with another code than 0
  std::optional<clock::time_point> latest;

  bool owns(const desktop::window_info& window) const {
    if (window.pid == 0)
      return true; // new, and does not say whose it is
    auto pid = static_cast<pid_t>(window.pid);
    if (pid == out.pid)
      return true;
    // Asked of the process, not of /proc: by now the leader may have ended.
    const auto first = leader.load();
    return first && key_of(pid) == first->target().key;
  }
};

app_launcher::app_launcher(spawner& starter, boost::asio::any_io_executor executor,
                           desktop_context_ptr context, x_door_ptr door)
  : starter_{starter},
    executor_{std::move(executor)},
    context_{std::move(context)},
    door_{std::move(door)} {}

void app_launcher::start(std::vector<std::string> command, bool wait, answer done) {
  auto what = std::make_shared<launch>();
  what->command = std::move(command);
  what->wait = wait;
  what->done = std::move(done);
  what->out.process_id = "app_" + std::to_string(++last_);
  // The X thread also says whether there is a desktop at all.
  door_->post([self = shared_from_this(), what](const result<desktop::workbench*>& bench) {
    auto all
      = bench ? (*bench)->tops().list() : result<std::vector<desktop::window_info>>{bench.error()};
    if (!all)
      return what->done(all.error());
    for (const auto& one : *all)
      what->before.insert(one.id);
    self->spawn(what);
  });
}

void app_launcher::spawn(const std::shared_ptr<launch>& what) {
  process_spec spec;
  spec.argv = what->command;
  spec.env = context_->environment();
  spec.cwd = context_->workspace();
  process_handlers handlers;
  handlers.on_started = [self = shared_from_this(), what](result<pid_t> pid) {
    if (!pid)
      return what->done(pid.error());
    what->out.pid = *pid;
    if (!what->wait)
      return what->done(what->out);
    self->look_for_window(what);
  };
  handlers.on_exit = [what](const exit_status& how) {
    what->failed = how.code != 0;
    what->ended = true;
  };
  what->leader = process::start(starter_, executor_, std::move(spec), std::move(handlers));
}

void app_launcher::look_for_window(const std::shared_ptr<launch>& what) {
  door_->post([what](const result<desktop::workbench*>& got) {
    if (!got)
      return what->done(got.error());
    auto& bench = **got;
    what->latest = clock::now() + patience;
    bench.wait(
      [what, &bench](clock::time_point now) -> std::optional<clock::time_point> {
        bool last_look = what->failed || now >= *what->latest;
        if (what->ended)
          what->latest = std::min(*what->latest, now + patience_after_end);
        if (auto all = bench.tops().list())
          for (const auto& one : *all)
            if (!what->before.contains(one.id) && what->owns(one)) {
              what->out.window = one.id;
              what->done(what->out);
              return {};
            }
        if (!last_look)
          return now + look_again;
        what->done(what->out);
        return {};
      },
      [what] { what->done(x_gone()); });
  });
}

} // namespace holt
