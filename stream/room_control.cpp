// SPDX-License-Identifier: Apache-2.0

// The room's hosting half: who drives, and input that comes over the socket.

#include "stream/room.hpp"
#include "stream/room_payload.hpp"

namespace holt::stream {

using nlohmann::json;

namespace {

constexpr std::uint32_t control_left = 0xffe3; ///< XK_Control_L

std::uint32_t code_of(const json& p, const char* name) {
  return static_cast<std::uint32_t>(std::max(0, number_of(p, name).value_or(0)));
}

} // namespace

json room::control_json() const {
  json out{{"has_host", !host_.empty()}};
  if (!host_.empty())
    out["host_id"] = host_;
  return out;
}

void room::set_host(std::string id, std::string_view by) {
  if (host_ == id)
    return;
  if (auto old = find_seat(host_))
    media_.release(old->input);
  host_ = std::move(id);
  auto what = control_json();
  what["id"] = by;
  broadcast("control/host", what);
}

unsigned room::request_control(const session& who) {
  if (is_host(who.id))
    return 204;
  if (!who.who.can_host || who.api || !find_seat(who.id)
      || (settings_.locked_controls && !who.who.is_admin))
    return 403;
  if (host_.empty()) {
    set_host(who.id, who.id);
    return 204;
  }
  if (auto host = find_seat(host_))
    send(*host, "control/request", {{"id", who.id}});
  return 202;
}

api_result<void> room::release_control(const session& who) {
  if (!is_host(who.id))
    return api_error{422, "session is not the host"};
  set_host({}, who.id);
  return {};
}

api_result<void> room::take_control(const session& who) {
  if (who.api)
    return api_error{422, "the API session has no input; give control to a session"};
  if (!find_seat(who.id))
    return api_error{422, "session is not connected"};
  if (!who.who.can_host)
    return api_error{403, "session is not allowed to host"};
  set_host(who.id, who.id);
  return {};
}

api_result<void> room::give_control(const session& who, std::string_view to) {
  if (!who.who.is_admin && !is_host(who.id))
    return api_error{403, "only the host or an admin gives control"};
  auto* target = registry_.find(to);
  if (target == nullptr)
    return api_error{404, "session not found"};
  if (!target->who.can_host)
    return api_error{400, "session is not allowed to host"};
  if (!find_seat(to))
    return api_error{400, "session is not connected"};
  set_host(target->id, who.id);
  return {};
}

void room::reset_control(const session& who) {
  set_host({}, who.id);
}

void room::on_control_request(seat& who, payload) {
  auto* as = registry_.find(who.id);
  if (as == nullptr)
    return;
  // Over the socket an implicit host is replaced without being asked.
  if (settings_.implicit_hosting && !settings_.locked_controls && as->who.can_host)
    set_host(who.id, who.id);
  else
    request_control(*as);
}

void room::on_control_release(seat& who, payload) {
  if (is_host(who.id))
    set_host({}, who.id);
}

/// Input over the socket asks for control first.
bool room::may_drive(seat& who) {
  if (!is_host(who.id))
    on_control_request(who, json::object());
  return is_host(who.id);
}

void room::on_move(seat& who, payload p) {
  auto x = number_of(p, "x");
  auto y = number_of(p, "y");
  if (x && y && may_drive(who))
    media_.move(who.input, *x, *y);
}

void room::on_scroll(seat& who, payload p) {
  if (!may_drive(who))
    return;
  auto x = p.contains("delta_x") ? number_of(p, "delta_x") : number_of(p, "x");
  auto y = p.contains("delta_y") ? number_of(p, "delta_y") : number_of(p, "y");
  media_.scroll(who.input, std::clamp(x.value_or(0), -32'768, 32'767),
                std::clamp(y.value_or(0), -32'768, 32'767), flag_of(p, "control_key", false));
}

void room::on_button_press(seat& who, payload p) {
  if (!may_drive(who))
    return;
  media_.release(who.input);
  on_button_down(who, p);
  media_.release(who.input);
}

void room::on_button_down(seat& who, payload p) {
  if (!may_drive(who))
    return;
  if (p.contains("x"))
    on_move(who, p);
  media_.button(who.input, code_of(p, "code"), true);
}

void room::on_button_up(seat& who, payload p) {
  if (!may_drive(who))
    return;
  if (p.contains("x"))
    on_move(who, p);
  media_.button(who.input, code_of(p, "code"), false);
}

void room::on_key_press(seat& who, payload p) {
  if (!may_drive(who))
    return;
  media_.release(who.input);
  on_key_down(who, p);
  media_.release(who.input);
}

void room::on_key_down(seat& who, payload p) {
  if (!may_drive(who))
    return;
  if (p.contains("x"))
    on_move(who, p);
  media_.key(who.input, code_of(p, "keysym"), true);
}

void room::on_key_up(seat& who, payload p) {
  if (!may_drive(who))
    return;
  if (p.contains("x"))
    on_move(who, p);
  media_.key(who.input, code_of(p, "keysym"), false);
}

void room::shortcut(seat& who, std::uint32_t letter) {
  if (!may_drive(who))
    return;
  media_.release(who.input);
  media_.key(who.input, control_left, true);
  media_.key(who.input, letter, true);
  media_.key(who.input, letter, false);
  media_.key(who.input, control_left, false);
}

api_result<void> room::set_modifiers(const session& who, const json& wanted) {
  static constexpr std::pair<const char*, std::uint32_t> keys[]{
    {"shift", 0xffe1}, {"control", control_left}, {"alt", 0xffe9},
    {"meta", 0xffe7},  {"super", 0xffeb},         {"altgr", 0xfe03}};
  auto at = find_seat(who.id);
  if (!at || !is_host(who.id))
    return api_error{403, "session is not the host"};
  for (const auto& [name, keysym] : keys)
    if (auto flag = wanted.find(name); flag != wanted.end() && flag->is_boolean())
      media_.key(at->input, keysym, flag->get<bool>());
  return {};
}

void room::on_modifiers(seat& who, payload p) {
  if (auto* as = registry_.find(who.id))
    (void)set_modifiers(*as, p);
}

void room::on_cut(seat& who, payload) {
  shortcut(who, 'x');
}

void room::on_copy(seat& who, payload) {
  shortcut(who, 'c');
}

void room::on_select_all(seat& who, payload) {
  shortcut(who, 'a');
}

void room::on_paste(seat& who, payload p) {
  if (p.contains("text"))
    on_clipboard_set(who, p);
  shortcut(who, 'v');
}

} // namespace holt::stream
