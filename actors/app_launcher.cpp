// SPDX-License-Identifier: Apache-2.0
#include "actors/app_launcher.hpp"

#include "actors/processes.hpp"
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
  launch_order order;
  answer done;
  std::set<std::uint32_t> before; ///< windows that were there already
  launched_app out;
  shell::live_process_ptr leader; ///< once it runs
  std::string key;                ///< asked of it at once: by the time of a window it may be gone
  std::optional<clock::time_point> latest;

  bool owns(const desktop::window_info& window) const {
    if (window.pid == 0)
      return true; // new, and does not say whose it is
    auto pid = static_cast<pid_t>(window.pid);
    if (pid == out.pid)
      return true;
    return !key.empty() && key_of(pid) == key;
  }
};

app_launcher::app_launcher(actor_ref<caf::actor> processes, x_door_ptr door)
  : processes_{std::move(processes)}, door_{std::move(door)} {}

void app_launcher::start(launch_order order, answer done) {
  auto what = std::make_shared<launch>();
  what->order = std::move(order);
  what->done = std::move(done);
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
  shell::process_request request;
  const auto& command = what->order.command;
  request.command = command.front();
  request.args.assign(command.begin() + 1, command.end());
  request.plan.argv = command;
  request.plan.cwd = what->order.folder;
  request.plan.input = false;
  request.owner = "desktop";
  request.tags = {what->order.tag};
  auto started = [self = shared_from_this(), what](const result<shell::live_process_ptr>& got) {
    if (!got)
      return what->done(got.error());
    what->leader = *got;
    what->key = (*got)->key();
    what->out.process_id = (*got)->id();
    what->out.pid = (*got)->pid();
    if (!what->order.wait)
      return what->done(what->out);
    self->look_for_window(what);
  };
  const bool sent = processes_.send(
    processes_call{[request = std::move(request), started = std::move(started)](
                     shell::process_room& room) { room.create(request, started); }});
  if (!sent)
    what->done(error{errc::busy, "processes are not served at the moment"});
}

void app_launcher::look_for_window(const std::shared_ptr<launch>& what) {
  door_->post([what](const result<desktop::workbench*>& got) {
    if (!got)
      return what->done(got.error());
    auto& bench = **got;
    what->latest = clock::now() + patience;
    bench.wait(
      [what, &bench](clock::time_point now) -> std::optional<clock::time_point> {
        const bool ended = what->leader->exited();
        const bool failed = ended && what->leader->exit_code() != 0;
        const bool last_look = failed || now >= *what->latest;
        if (ended)
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
