// SPDX-License-Identifier: Apache-2.0
#include "actors/control_logic.hpp"

#include <algorithm>

namespace holt::control {

namespace {

using effects = std::vector<effect>;

viewer* find(state& now, viewer_id id) {
  auto i = now.viewers.find(id);
  return i == now.viewers.end() ? nullptr : &i->second;
}

void stop_asking(state& now, viewer_id id) {
  std::erase(now.asking, id);
}

void make_driver(state& now, viewer_id id, effects& out) {
  stop_asking(now, id);
  now.driver = id;
  ++now.epoch;
  out.push_back(grant_host{id, now.viewers.at(id).session});
  out.push_back(announce{});
}

/// The seat is free: the first who asked gets it, else nobody has it.
void next_driver(state& now, effects& out) {
  now.driver.reset();
  if (!now.asking.empty()) {
    make_driver(now, now.asking.front(), out);
    return;
  }
  ++now.epoch;
  out.push_back(reset_host{});
  out.push_back(announce{});
}

void hand_back(state& now) {
  now.taken = false;
  now.taken_by.clear();
}

bool may_drive(const viewer& who, viewer_id id, effects& out) {
  if (who.may_drive)
    return true;
  out.push_back(refuse{id, {errc::forbidden, "this link only allows watching"}});
  return false;
}

effects on(state& now, const joined& ev) {
  now.viewers[ev.id] = ev.who;
  return {show{ev.id}};
}

effects on(state& now, const left& ev) {
  effects out;
  auto* who = find(now, ev.id);
  if (who == nullptr)
    return out;
  bool drove = now.driver == ev.id;
  if (drove && ev.clean && now.taken)
    hand_back(now);
  now.viewers.erase(ev.id);
  stop_asking(now, ev.id);
  if (drove)
    next_driver(now, out);
  return out;
}

effects on(state& now, const request& ev) {
  effects out;
  auto* who = find(now, ev.id);
  if (who == nullptr || !may_drive(*who, ev.id, out))
    return out;
  if (now.driver == ev.id)
    return {show{ev.id}};
  if (!now.driver) {
    make_driver(now, ev.id, out);
    return out;
  }
  if (std::find(now.asking.begin(), now.asking.end(), ev.id) == now.asking.end())
    now.asking.push_back(ev.id);
  out.push_back(ask_driver{*now.driver, ev.id, who->name});
  return out;
}

effects on(state& now, const release& ev) {
  effects out;
  stop_asking(now, ev.id);
  auto* who = find(now, ev.id);
  if (who == nullptr)
    return out;
  if (now.driver != ev.id) {
    // Whoever took control and dropped may come back and let go, also through another connection.
    if (now.taken && !now.driver && who->may_drive) {
      hand_back(now);
      ++now.epoch;
      out.push_back(announce{});
    }
    return out;
  }
  hand_back(now);
  next_driver(now, out);
  return out;
}

effects on(state& now, const take& ev) {
  effects out;
  auto* who = find(now, ev.id);
  if (who == nullptr || !may_drive(*who, ev.id, out))
    return out;
  if (now.driver && now.driver != ev.id && !who->may_take_from_others) {
    out.push_back(refuse{ev.id,
                         {errc::forbidden, "only an administrator may take control from "
                                             + driver_name(now) + "; ask for it instead"}});
    return out;
  }
  now.taken = true;
  now.taken_by = who->name;
  make_driver(now, ev.id, out);
  return out;
}

effects on(state& now, const give& ev) {
  effects out;
  auto* from = find(now, ev.from);
  auto* to = find(now, ev.to);
  if (from == nullptr)
    return out;
  if (now.driver != ev.from && !from->may_take_from_others) {
    out.push_back(refuse{ev.from, {errc::conflict, "you do not drive"}});
    return out;
  }
  if (to == nullptr || !to->may_drive) {
    out.push_back(refuse{ev.from, {errc::not_found, "that viewer is gone or may only watch"}});
    return out;
  }
  hand_back(now);
  make_driver(now, ev.to, out);
  return out;
}

effects on(state& now, const reset&) {
  effects out;
  hand_back(now);
  now.asking.clear();
  next_driver(now, out);
  return out;
}

effects on(state& now, const engine_restarted&) {
  now.driver.reset();
  now.asking.clear();
  ++now.epoch;
  return {announce{}};
}

effects on(state& now, const grant_failed& ev) {
  effects out;
  if (now.driver != ev.id)
    return out;
  out.push_back(refuse{ev.id, {errc::conflict, "the engine did not give control: " + ev.detail}});
  hand_back(now);
  next_driver(now, out);
  return out;
}

} // namespace

std::vector<effect> step(state& now, const event& what) {
  return std::visit([&](const auto& ev) { return on(now, ev); }, what);
}

std::string_view kind(const state& now) {
  return now.driver || now.taken ? "person" : "none";
}

std::string driver_name(const state& now) {
  if (now.driver)
    if (auto i = now.viewers.find(*now.driver); i != now.viewers.end())
      return i->second.name;
  return now.taken_by;
}

result<void> may_api_act(const state& now) {
  if (now.taken)
    return error{errc::control_held,
                 now.taken_by + " has taken control; wait until it is released"};
  return {};
}

} // namespace holt::control
