// SPDX-License-Identifier: Apache-2.0
#include "actors/act_json.hpp"

#include "actors/act_fields.hpp"
#include "actors/act_limits.hpp"
#include "desktop/key_names.hpp"

#include <algorithm>

namespace holt {

namespace {

using nlohmann::json;
using std::chrono::milliseconds;

namespace limit = act_limits;
using namespace act_fields;

using read = result<desktop::act>;

read read_move(const json& fields) {
  auto to = read_point(fields, "x", "y");
  if (!to)
    return to.error();
  return desktop::act{desktop::move_act{*to}};
}

read read_click(const json& fields) {
  auto at = read_point(fields, "x", "y");
  if (!at)
    return at.error();
  auto button = read_button(fields);
  if (!button)
    return button.error();
  auto count = number_or(fields, "clickCount", 1, -limit::coordinate, limit::off_screen);
  if (!count)
    return count.error();
  if (*count < 1)
    return error{errc::desktop_invalid_action, "clickCount must be greater than 0"};
  if (*count > limit::clicks)
    return error{errc::desktop_invalid_action,
                 "clickCount must be at most " + std::to_string(limit::clicks)};
  auto modifiers = read_modifiers(fields);
  if (!modifiers)
    return modifiers.error();
  return desktop::act{
    desktop::click_act{*at, *button, static_cast<unsigned>(*count), std::move(*modifiers)}};
}

read read_button_act(const json& fields, bool down) {
  desktop::button_act out;
  out.down = down;
  auto button = read_button(fields);
  if (!button)
    return button.error();
  out.button = *button;
  if (given(fields, "x") != given(fields, "y"))
    return error{errc::desktop_invalid_action,
                 "x and y must both be provided when setting coordinates"};
  if (given(fields, "x")) {
    auto at = read_point(fields, "x", "y");
    if (!at)
      return at.error();
    out.at = *at;
  }
  return desktop::act{out};
}

result<std::vector<desktop::point>> read_path(const json& fields) {
  if (!given(fields, "path")) {
    auto from = read_point(fields, "startX", "startY");
    if (!from)
      return from.error();
    auto to = read_point(fields, "endX", "endY");
    if (!to)
      return to.error();
    return std::vector<desktop::point>{*from, *to};
  }
  const auto& all = fields["path"];
  if (!all.is_array())
    return error{errc::unprocessable, "path must be a list of {x, y}"};
  if (all.size() < 2 || all.size() > limit::path)
    return error{errc::desktop_invalid_action, "path must hold 2 to 1000 points"};
  std::vector<desktop::point> out;
  for (const auto& one : all) {
    if (!one.is_object())
      return error{errc::unprocessable, "path must be a list of {x, y}"};
    auto point = read_point(one, "x", "y");
    if (!point)
      return error{point.error().code, "path: " + point.error().detail};
    out.push_back(*point);
  }
  return out;
}

read read_drag(const json& fields) {
  auto path = read_path(fields);
  if (!path)
    return path.error();
  auto button = read_button(fields);
  if (!button)
    return button.error();
  auto lasts = number_or(fields, "durationMs", 0, 0, limit::drag_ms);
  if (!lasts)
    return lasts.error();
  return desktop::act{desktop::drag_act{std::move(*path), *button, milliseconds{*lasts}}};
}

read read_scroll(const json& fields) {
  auto at = read_point(fields, "x", "y");
  if (!at)
    return at.error();
  auto dx = number_or(fields, "deltaX", 0, -limit::scroll, limit::scroll);
  if (!dx)
    return dx.error();
  auto dy = number_or(fields, "deltaY", 0, -limit::scroll, limit::scroll);
  if (!dy)
    return dy.error();
  if (*dx == 0 && *dy == 0)
    return error{errc::desktop_invalid_action, "deltaX or deltaY must be non-zero"};
  return desktop::act{desktop::scroll_act{*at, *dx, *dy}};
}

/// What pastes, where a text goes by way of the clipboard.
auto read_paste_key(const json& fields) -> decltype(desktop::read_chord("")) {
  auto how
    = given(fields, "pasteKey") ? read_text(fields, "pasteKey") : result<std::string>{"ctrl+v"};
  if (!how)
    return how.error();
  auto chord = desktop::read_chord(*how);
  if (!chord)
    return error{chord.error().code, "pasteKey: " + chord.error().detail};
  return chord;
}

read read_type(const json& fields) {
  auto text = read_text(fields, "text");
  if (!text)
    return text.error();
  if (text->empty())
    return error{errc::desktop_invalid_action, "text must not be empty"};
  auto delay = number_or(fields, "delayMs", 0, 0, limit::delay_ms);
  if (!delay)
    return delay.error();
  auto method = given(fields, "method") ? read_text(fields, "method") : result<std::string>{"keys"};
  if (!method)
    return method.error();
  auto chord = read_paste_key(fields);
  if (!chord)
    return chord.error();
  if (*method == "paste")
    return desktop::act{
      desktop::paste_act{std::move(*text), std::move(chord->modifiers), chord->sym}};
  if (*method != "keys")
    return error{errc::desktop_invalid_action, "method must be keys or paste"};
  auto keys = desktop::keysyms_of_text(*text);
  if (!keys)
    return keys.error();
  return desktop::act{desktop::type_act{std::move(*keys), milliseconds{*delay}}};
}

read read_press(const json& fields) {
  auto chord = read_key(fields, true);
  if (!chord)
    return chord.error();
  auto modifiers = read_modifiers(fields);
  if (!modifiers)
    return modifiers.error();
  modifiers->insert(modifiers->end(), chord->modifiers.begin(), chord->modifiers.end());
  return desktop::act{desktop::press_act{std::move(*modifiers), chord->sym}};
}

read read_key_act(const json& fields, bool down) {
  auto chord = read_key(fields, false);
  if (!chord)
    return chord.error();
  return desktop::act{desktop::key_act{chord->sym, down}};
}

read read_wait(const json& fields) {
  auto lasts = read_number(fields, "ms", 0, limit::wait_ms);
  if (!lasts)
    return lasts.error();
  return desktop::act{desktop::wait_act{milliseconds{*lasts}}};
}

const char* button_name(unsigned number) {
  switch (number) {
  case 2: return "middle";
  case 3: return "right";
  case 8: return "back";
  case 9: return "forward";
  default: return "left";
  }
}

struct describe {
  json operator()(const desktop::move_act& a) const {
    return {{"act", "move"}, {"x", a.to.x}, {"y", a.to.y}};
  }
  json operator()(const desktop::click_act& a) const {
    return {{"act", "click"},
            {"x", a.at.x},
            {"y", a.at.y},
            {"button", button_name(a.button)},
            {"count", a.count}};
  }
  json operator()(const desktop::button_act& a) const {
    json out{{"act", a.down ? "down" : "up"}, {"button", button_name(a.button)}};
    if (a.at) {
      out["x"] = a.at->x;
      out["y"] = a.at->y;
    }
    return out;
  }
  json operator()(const desktop::drag_act& a) const {
    return {{"act", "drag"},           {"x", a.path.front().x},
            {"y", a.path.front().y},   {"endX", a.path.back().x},
            {"endY", a.path.back().y}, {"button", button_name(a.button)}};
  }
  json operator()(const desktop::scroll_act& a) const {
    return {{"act", "scroll"}, {"x", a.at.x}, {"y", a.at.y}, {"deltaX", a.dx}, {"deltaY", a.dy}};
  }
  json operator()(const desktop::type_act& a) const {
    return {{"act", "type"}, {"characters", a.keys.size()}};
  }
  json operator()(const desktop::paste_act& a) const {
    return {{"act", "type"}, {"bytes", a.text.size()}, {"method", "paste"}};
  }
  json operator()(const desktop::press_act& a) const {
    return {{"act", "press"}, {"keys", a.modifiers.size() + 1}};
  }
  json operator()(const desktop::key_act& a) const {
    return {{"act", a.down ? "key_down" : "key_up"}};
  }
  json operator()(const desktop::wait_act& a) const {
    return {{"act", "wait"}, {"ms", a.lasts.count()}};
  }
};

} // namespace

read read_act(std::string_view kind, const json& fields) {
  if (kind == "move")
    return read_move(fields);
  if (kind == "click")
    return read_click(fields);
  if (kind == "down" || kind == "up")
    return read_button_act(fields, kind == "down");
  if (kind == "drag")
    return read_drag(fields);
  if (kind == "scroll")
    return read_scroll(fields);
  if (kind == "type")
    return read_type(fields);
  if (kind == "press")
    return read_press(fields);
  if (kind == "key_down" || kind == "key_up")
    return read_key_act(fields, kind == "key_down");
  if (kind == "wait")
    return read_wait(fields);
  return error{errc::unprocessable,
               "type must be move, click, down, up, drag, scroll, type, press, "
               "key_down, key_up or wait"};
}

namespace {

/// What an act of this kind may hold, beside its type. Acts of a route of their own may hold more:
/// the published client sends them.
std::vector<std::string_view> fields_of(std::string_view kind) {
  if (kind == "move")
    return {"x", "y"};
  if (kind == "click")
    return {"x", "y", "button", "clickCount", "modifiers"};
  if (kind == "down" || kind == "up")
    return {"x", "y", "button"};
  if (kind == "drag")
    return {"startX", "startY", "endX", "endY", "path", "button", "durationMs"};
  if (kind == "scroll")
    return {"x", "y", "deltaX", "deltaY"};
  if (kind == "type")
    return {"text", "delayMs", "method", "pasteKey"};
  if (kind == "press")
    return {"key", "modifiers"};
  if (kind == "key_down" || kind == "key_up")
    return {"key"};
  return {"ms"};
}

result<void> only_own_fields(std::string_view kind, const json& fields) {
  const auto known = fields_of(kind);
  for (const auto& [name, value] : fields.items())
    if (name != "type" && std::find(known.begin(), known.end(), name) == known.end())
      return error{errc::unprocessable, name + " is no field of " + std::string{kind}};
  return {};
}

} // namespace

result<std::vector<desktop::act>> read_acts(const json& body) {
  if (!given(body, "actions"))
    return missing("actions");
  const auto& all = body["actions"];
  if (!all.is_array())
    return error{errc::unprocessable, "actions must be a list"};
  if (all.empty() || all.size() > limit::acts)
    return error{errc::desktop_invalid_action, "actions must hold 1 to 100 acts"};
  std::vector<desktop::act> out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto at = "actions[" + std::to_string(i) + "]";
    const auto& one = all[i];
    if (!one.is_object())
      return error{errc::unprocessable, at + " must be an object"};
    auto kind = one.find("type");
    if (kind == one.end() || !kind->is_string())
      return error{errc::unprocessable, at + ".type must be a string"};
    auto act = read_act(kind->get_ref<const std::string&>(), one);
    if (!act)
      return error{act.error().code, at + "." + act.error().detail};
    if (auto known = only_own_fields(kind->get_ref<const std::string&>(), one); !known)
      return error{known.error().code, at + "." + known.error().detail};
    out.push_back(std::move(*act));
  }
  return out;
}

json describe_act(const desktop::act& what) {
  return std::visit(describe{}, what);
}

} // namespace holt
