// SPDX-License-Identifier: Apache-2.0

// The room's table of WebSocket events, how events go out, and the small ones that come in.

#include "stream/room.hpp"
#include "stream/room_payload.hpp"

namespace holt::stream {

using nlohmann::json;

const std::map<std::string, room::event_handler, std::less<>>& room::events() {
  static const std::map<std::string, event_handler, std::less<>> table{
    {"client/heartbeat", &room::on_ignored},
    {"system/logs", &room::on_ignored},
    {"signal/request", &room::on_request},
    {"signal/restart", &room::on_request}, // a new connection is our restart
    {"signal/answer", &room::on_answer},
    {"signal/candidate", &room::on_ignored}, // a lite agent learns addresses from checks
    {"signal/video", &room::on_video},
    {"signal/audio", &room::on_audio},
    {"control/request", &room::on_control_request},
    {"control/release", &room::on_control_release},
    {"control/move", &room::on_move},
    {"control/scroll", &room::on_scroll},
    {"control/buttonpress", &room::on_button_press},
    {"control/buttondown", &room::on_button_down},
    {"control/buttonup", &room::on_button_up},
    {"control/keypress", &room::on_key_press},
    {"control/keydown", &room::on_key_down},
    {"control/keyup", &room::on_key_up},
    {"control/cut", &room::on_cut},
    {"control/copy", &room::on_copy},
    {"control/select_all", &room::on_select_all},
    {"control/paste", &room::on_paste},
    {"keyboard/map", &room::on_ignored}, // a keysym is typed as itself whatever the layout
    {"keyboard/modifiers", &room::on_modifiers},
    {"screen/set", &room::on_screen_set},
    {"clipboard/set", &room::on_clipboard_set},
    {"send/unicast", &room::on_unicast},
    {"send/broadcast", &room::on_say},
  };
  return table;
}

void room::send(const seat& to, std::string_view event, const json& what) const {
  if (!to.socket)
    return;
  json out{{"event", event}};
  if (!what.is_null() || event == "signal/close")
    out["payload"] = what;
  to.socket->send_text(
    std::make_shared<const std::string>(out.dump(-1, ' ', false, json::error_handler_t::replace)));
}

void room::broadcast(std::string_view event, const json& what, std::string_view except) const {
  json out{{"event", event}, {"payload", what}};
  auto text
    = std::make_shared<const std::string>(out.dump(-1, ' ', false, json::error_handler_t::replace));
  for (const auto& [id, one] : seats_)
    if (one->socket && id != except)
      one->socket->send_text(text);
}

void room::announce_state(const session& one) const {
  auto what = state_json(one);
  what["id"] = one.id;
  broadcast("session/state", what);
}

void room::on_ignored(seat&, payload) {}

void room::on_unicast(seat& who, payload p) {
  auto to = find_seat(text_of(p, "receiver"));
  if (to)
    send(*to, "send/unicast",
         {{"sender", who.id},
          {"receiver", to->id},
          {"subject", text_of(p, "subject")},
          {"body", p.value("body", json())}});
}

void room::on_say(seat& who, payload p) {
  broadcast(
    "send/broadcast",
    {{"sender", who.id}, {"subject", text_of(p, "subject")}, {"body", p.value("body", json())}},
    who.id);
}

void room::on_screen_set(seat& who, payload p) {
  auto* as = registry_.find(who.id);
  auto width = number_of(p, "width");
  auto height = number_of(p, "height");
  if (as == nullptr || !as->who.is_admin || !width || !height || *width < 1 || *height < 1)
    return;
  screen_size wanted{static_cast<unsigned>(*width), static_cast<unsigned>(*height),
                     static_cast<unsigned>(std::max(0, number_of(p, "rate").value_or(0)))};
  media_.resize(wanted, [](const result<screen_size>&) {}); // on_screen tells everybody
}

void room::on_clipboard_set(seat& who, payload p) {
  auto* as = registry_.find(who.id);
  if (as != nullptr && as->who.can_access_clipboard && is_host(who.id))
    (void)media_.set_clipboard(std::string{text_of(p, "text")});
}

void room::on_clipboard(const std::string& text) {
  auto who = find_seat(host_);
  auto* as = registry_.find(host_);
  if (who && as != nullptr && as->who.can_access_clipboard)
    send(*who, "clipboard/updated", {{"text", text}});
}

void room::on_screen(screen_size size, std::string_view by) {
  broadcast("screen/updated",
            {{"id", by}, {"width", size.width}, {"height", size.height}, {"rate", size.rate}});
}

} // namespace holt::stream
