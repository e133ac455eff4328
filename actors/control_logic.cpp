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

/// The agent is held off from here on, or let go on: what it knew of before is void.
void bar(state& now) {
  now.stands.agent_epoch = now.stands.epoch;
}

void make_driver(state& now, viewer_id id, effects& out) {
  stop_asking(now, id);
  now.driver = id;
  now.given_to_agent = false;
  now.note.clear();
  ++now.stands.epoch;
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
  ++now.stands.epoch;
  out.push_back(reset_host{});
  out.push_back(announce{});
}

/// Nobody drives, whoever asked.
void empty_seat(state& now, effects& out) {
  now.asking.clear();
  next_driver(now, out);
}

/// Whether there was something to hand back: the change that follows is one for the agent.
bool hand_back(state& now) {
  bool was = now.stands.taken;
  now.stands.taken = false;
  now.stands.taken_by.clear();
  now.stands.holder.clear();
  return was;
}

void wake_agent(state& now) {
  now.stands.paused = false;
  now.stands.paused_by.clear();
  now.stands.pauser.clear();
}

void hold(state& now, const std::string& name, const std::string& key) {
  now.stands.taken = true;
  now.stands.taken_by = name;
  now.stands.holder = key;
  now.given_to_agent = false;
  now.note.clear();
}

effects no(errc code, std::string why) {
  effects out;
  out.emplace_back(refuse_call{{code, std::move(why)}});
  return out;
}

/// What people are told of who calls.
std::string name_of(const state& now, const caller& who) {
  if (!who.name.empty())
    return who.name;
  for (const auto& [id, one] : now.viewers)
    if (!one.key.empty() && one.key == who.key)
      return one.name;
  return who.person ? "a person" : "a caller of the API";
}

/// Whether a call is of whom control is with.
bool has_control(const state& now, const caller& who) {
  if (who.key.empty())
    return false;
  if (now.stands.taken && now.stands.holder == who.key)
    return true;
  if (!now.driver)
    return false;
  auto i = now.viewers.find(*now.driver);
  return i != now.viewers.end() && i->second.key == who.key;
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
  bool handed = drove && ev.clean && hand_back(now);
  now.viewers.erase(ev.id);
  stop_asking(now, ev.id);
  if (drove)
    next_driver(now, out);
  if (handed)
    bar(now);
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
    if (now.stands.taken && !now.driver && who->may_drive) {
      hand_back(now);
      ++now.stands.epoch;
      bar(now);
      out.push_back(announce{});
    }
    return out;
  }
  bool handed = hand_back(now);
  next_driver(now, out);
  if (handed)
    bar(now);
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
  hold(now, who->name, who->key);
  make_driver(now, ev.id, out);
  bar(now);
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
  bool handed = hand_back(now);
  make_driver(now, ev.to, out);
  if (handed)
    bar(now);
  return out;
}

effects on(state& now, const call_take& ev) {
  auto* whom = ev.viewer ? find(now, *ev.viewer) : nullptr;
  if (ev.viewer && whom == nullptr)
    return no(errc::not_found, "there is no such viewer");
  bool own = whom == nullptr || (!whom->key.empty() && whom->key == ev.who.key);
  if (whom != nullptr && (!whom->may_drive || !(own || ev.who.admin)))
    return no(errc::forbidden, "that viewer may only watch, or is of another session");
  bool of_another = (now.driver || now.stands.taken) && !(ev.viewer && now.driver == ev.viewer)
                    && !has_control(now, ev.who);
  if (of_another && !ev.who.admin)
    return no(errc::forbidden, "only an administrator may take control from " + driver_name(now)
                                 + "; ask for it instead");
  effects out;
  bool drives = now.driver && !ev.who.key.empty() && now.viewers.at(*now.driver).key == ev.who.key;
  hold(now, whom != nullptr && ev.who.name.empty() ? whom->name : name_of(now, ev.who), ev.who.key);
  if (ev.viewer) {
    make_driver(now, *ev.viewer, out);
  } else if (now.driver && !drives) {
    empty_seat(now, out);
  } else {
    ++now.stands.epoch;
    out.push_back(announce{});
  }
  bar(now);
  return out;
}

effects on(state& now, const call_give& ev) {
  bool allowed = ev.who.admin || has_control(now, ev.who)
                 || (!now.stands.taken && !now.driver && ev.who.person)
                 || (!now.stands.taken && now.stands.paused && now.stands.pauser == ev.who.key);
  if (!allowed)
    return no(errc::conflict, "control is not yours to give");
  effects out;
  if (ev.to) {
    auto* to = find(now, *ev.to);
    if (to == nullptr || !to->may_drive)
      return no(errc::not_found, "that viewer is gone or may only watch");
    bool handed = hand_back(now);
    make_driver(now, *ev.to, out);
    if (handed)
      bar(now);
    return out;
  }
  hand_back(now);
  wake_agent(now);
  empty_seat(now, out);
  now.given_to_agent = true;
  now.note = ev.note;
  bar(now);
  return out;
}

effects on(state& now, const call_release& ev) {
  if (!now.stands.taken && !now.driver && now.asking.empty())
    return {};
  if (!ev.who.admin && !has_control(now, ev.who))
    return no(errc::conflict, "control is not yours to release");
  effects out;
  bool handed = hand_back(now);
  empty_seat(now, out);
  now.note = ev.note;
  if (handed)
    bar(now);
  return out;
}

effects on(state& now, const pause& ev) {
  if (now.stands.paused)
    return {};
  now.stands.paused = true;
  now.stands.paused_by = name_of(now, ev.who);
  now.stands.pauser = ev.who.key;
  ++now.stands.epoch;
  bar(now);
  return {announce{}};
}

effects on(state& now, const resume& ev) {
  if (!now.stands.paused)
    return {};
  if (!ev.who.person && !ev.who.admin && ev.who.key != now.stands.pauser)
    return no(errc::forbidden, "only a person may let the agent go on");
  wake_agent(now);
  ++now.stands.epoch;
  bar(now);
  return {announce{}};
}

effects on(state& now, const engine_restarted&) {
  now.driver.reset();
  now.asking.clear();
  ++now.stands.epoch;
  return {announce{}};
}

effects on(state& now, const grant_failed& ev) {
  effects out;
  if (now.driver != ev.id)
    return out;
  out.push_back(refuse{ev.id, {errc::conflict, "the engine did not give control: " + ev.detail}});
  bool handed = hand_back(now);
  next_driver(now, out);
  if (handed)
    bar(now);
  return out;
}

} // namespace

std::vector<effect> step(state& now, const event& what) {
  auto out = std::visit([&](const auto& ev) { return on(now, ev); }, what);
  now.stands.driver = driver_name(now);
  return out;
}

std::string_view kind(const state& now) {
  if (now.driver || now.stands.taken)
    return "person";
  return now.given_to_agent ? "agent" : "none";
}

std::string driver_name(const state& now) {
  if (now.driver)
    if (auto i = now.viewers.find(*now.driver); i != now.viewers.end())
      return i->second.name;
  return now.stands.taken_by;
}

} // namespace holt::control
