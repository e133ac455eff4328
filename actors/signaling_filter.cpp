// SPDX-License-Identifier: Apache-2.0

// The two allow-lists between browser and engine. What is not named here stays out: the engine's
// administration, its chat and its file transfer are not for viewers.

#include "actors/signaling_machine.hpp"

#include <algorithm>
#include <array>

namespace holt::signaling {

namespace {

constexpr std::array<std::string_view, 7> anyone{
  "signal/request", "signal/answer", "signal/candidate", "signal/restart",
  "signal/video",   "signal/audio",  "client/heartbeat"};

constexpr std::array<std::string_view, 18> drivers{
  "control/move",       "control/scroll",      "control/buttonpress", "control/buttondown",
  "control/buttonup",   "control/keypress",    "control/keydown",     "control/keyup",
  "control/touchbegin", "control/touchupdate", "control/touchend",    "control/cut",
  "control/copy",       "control/paste",       "control/select_all",  "clipboard/set",
  "keyboard/map",       "keyboard/modifiers"};

constexpr std::array<std::string_view, 17> viewers{
  "system/init",    "system/settings",  "system/heartbeat", "system/disconnect", "signal/provide",
  "signal/offer",   "signal/answer",    "signal/restart",   "signal/candidate",  "signal/video",
  "signal/audio",   "signal/close",     "session/state",    "session/cursors",   "control/host",
  "screen/updated", "clipboard/updated"};

template <class List>
bool has(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

} // namespace

bool passes_to_engine(std::string_view name, bool driver) {
  return has(anyone, name) || (driver && has(drivers, name));
}

bool passes_to_browser(std::string_view name) {
  return has(viewers, name);
}

bool may_concern(std::string_view text, std::string_view session) {
  constexpr std::string_view head = R"({"event":")";
  if (!text.starts_with(head))
    return true; // written in another way: the parser decides
  text.remove_prefix(head.size());
  auto end = text.find_first_of("\"\\");
  if (end == text.npos || text[end] != '"')
    return true;
  auto name = text.substr(0, end);
  if (!has(viewers, name))
    return false;
  return name != "session/state" || session.empty() || text.find(session, end) != text.npos;
}

} // namespace holt::signaling
