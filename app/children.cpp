// SPDX-License-Identifier: Apache-2.0
#include "app/children.hpp"

#include "actors/activity.hpp"
#include "actors/clipboard_fields.hpp"
#include "actors/control.hpp"
#include "actors/desk_listener.hpp"
#include "actors/processes.hpp"
#include "transport/own_names.hpp"

#include <boost/asio/ip/address.hpp>

namespace holt {

namespace {

using std::chrono::milliseconds;
using supervision::child_spec;

child_spec actor_spec(const child_id& id, const config& values, std::shared_ptr<actor_child> port) {
  auto defaults = make_defaults(values);
  child_spec out;
  out.id = id;
  out.kind = child_kind::actor;
  out.backoff = defaults.backoff;
  out.budget = defaults.budget;
  out.stop.grace = std::chrono::seconds{1};
  out.port = std::move(port);
  return out;
}

std::shared_ptr<actor_child> activity_child(const shared_parts& parts) {
  return make_actor_child({"activity",
                           [parts]() -> caf::actor {
                             auto actor = spawn_activity(parts.rt.system());
                             parts.activity.set(actor);
                             return caf::actor_cast<caf::actor>(actor);
                           },
                           [parts] { parts.activity.clear(); }});
}

std::shared_ptr<actor_child> control_child(const shared_parts& parts) {
  return make_actor_child({"control",
                           [parts] {
                             auto actor
                               = spawn_control(parts.rt.system(), parts.activity, parts.gate);
                             parts.control.set(actor);
                             parts.viewers.send(viewers_rejoin{});
                             return actor;
                           },
                           [parts] { parts.control.clear(); }});
}

engine_status status_at_start(const shared_parts& parts, bool autostart) {
  engine_status out;
  out.info.name = parts.choice.name;
  out.info.version = parts.choice.version;
  out.info.reason = "the stream engine has not started yet";
  out.stopped = !autostart;
  return out;
}

std::shared_ptr<actor_child> lobby_child(const shared_parts& parts, const config& values) {
  viewers_deps deps;
  deps.io = &parts.rt.io();
  deps.control = parts.control;
  deps.activity = parts.activity;
  deps.policy.engine_wait = milliseconds{values.stream.engine_wait_ms};
  deps.max_viewers = values.stream.max_viewers;
  deps.ids = std::make_shared<std::atomic<std::uint64_t>>(0);
  deps.add_child = [tree = parts.tree](child_spec spec, std::function<void(result<void>)> done) {
    tree->add(std::move(spec), std::move(done));
  };
  bool autostart = values.stream.autostart && values.desktop.autostart;
  return make_actor_child({"lobby",
                           [parts, deps, autostart] {
                             auto actor = spawn_viewers(parts.rt.system(), deps,
                                                        status_at_start(parts, autostart));
                             parts.viewers.set(actor);
                             return actor;
                           },
                           [parts] { parts.viewers.clear(); }});
}

std::shared_ptr<actor_child> processes_child(const shared_parts& parts, const config& values) {
  processes_deps deps{{parts.starter, parts.killer},
                      parts.rt.io().get_executor(),
                      parts.link->shell,
                      {},
                      values.processes.keep_ended,
                      parts.activity,
                      parts.link->mask};
  deps.limits.max_concurrent = values.processes.running;
  deps.limits.max_log_bytes = values.processes.max_log;
  return make_actor_child({"processes",
                           [parts, deps] {
                             auto actor = spawn_processes(parts.rt.system(), deps);
                             parts.processes.set(actor);
                             return actor;
                           },
                           [parts] { parts.processes.clear(); }});
}

} // namespace

supervision_defaults make_defaults(const config& values) {
  supervision_defaults out;
  out.backoff.min = milliseconds{values.supervision.backoff_min_ms};
  out.backoff.max
    = milliseconds{std::max(values.supervision.backoff_min_ms, values.supervision.backoff_max_ms)};
  out.budget.deaths = values.supervision.budget_deaths;
  out.budget.window = milliseconds{values.supervision.budget_window_ms};
  out.live.period = milliseconds{values.supervision.probe_period_ms};
  return out;
}

media_addresses choose_media_addresses(const config& values) {
  boost::system::error_code ec;
  auto listening = boost::asio::ip::make_address(values.http.address, ec);
  bool loopback = ec || listening.is_loopback();
  bool chosen = values.stream.address != std::vector<std::string>{"auto"};
  media_addresses out;
  out.bind = loopback                                           ? "127.0.0.1"
             : listening.is_v4() && !listening.is_unspecified() ? values.http.address
                                                                : "0.0.0.0";
  out.chosen = chosen;
  if (chosen)
    out.advertise = values.stream.address;
  else if (out.bind == "0.0.0.0")
    out.advertise = outer_addresses();
  return out;
}

recorder_ptr make_recorder(const shared_parts& parts, const config& values,
                           const std::string& state) {
  recorder_deps deps{{parts.rt.io(), parts.starter, parts.killer},
                     parts.context,
                     parts.door,
                     parts.tree,
                     parts.activity,
                     parts.rt.blocking().get_executor(),
                     state + "/recordings",
                     parts.log_dir,
                     {}};
  const auto& from = values.recording;
  deps.limits = {from.fps, from.max_seconds, from.max_bytes, from.max_files, from.max_total_bytes};
  auto out = std::make_shared<recorder>(std::move(deps));
  out->open();
  return out;
}

std::vector<child_spec> make_children(const shared_parts& parts, const loaded_config& loaded) {
  const auto& values = loaded.values;
  auto control = actor_spec("control", values, control_child(parts));
  auto lobby = actor_spec("lobby", values, lobby_child(parts, values));
  std::vector<child_spec> out{actor_spec("activity", values, activity_child(parts)), control, lobby,
                              actor_spec("processes", values, processes_child(parts, values))};
  if (!parts.context)
    return out;
  desktop_options desktop{
    {parts.rt.io(), parts.starter, parts.killer},
    parts.context,
    parts.log_dir,
    make_defaults(values),
    values.desktop.max_width,
    values.desktop.max_height,
    values.desktop.sound,
    values.desktop.autostart,
    &parts.rt.system(),
    parts.x_client,
    parts.door,
    desk_listener{[hands = parts.hands, gate = parts.gate](const desktop::hand_event& what) {
                    hands->add(what, gate->now());
                  },
                  [activity = parts.activity](bool primary, const desktop::clipboard_change& what) {
                    activity.send(activity_append{"clipboard", clipboard_event(primary, what)});
                  }}};
  for (auto& spec : desktop_children(desktop))
    out.push_back(std::move(spec));
  auto media = choose_media_addresses(values);
  // Whoever asks for any port of the gateway does not want a fixed one for media either.
  bool any_port = values.http.port == 0 && !loaded.origins.contains("stream.media_port");
  engine_options engine{
    desktop.tools,         parts.context,
    parts.log_dir,         desktop.defaults,
    parts.choice,          values.stream.autostart && values.desktop.autostart,
    values.desktop.sound,  media.bind,
    media.advertise,       any_port ? std::uint16_t{0} : values.stream.media_port,
    values.stream.bitrate, values.stream.fps,
    parts.viewers,         media.chosen};
  for (auto& spec : engine_children(engine, parts.engine))
    out.push_back(std::move(spec));
  return out;
}

} // namespace holt
