// SPDX-License-Identifier: Apache-2.0
#include "stream/room.hpp"

#include "messages/time_text.hpp"
#include "transport/json_guard.hpp"

#include <boost/asio/post.hpp>

namespace holt::stream {

using nlohmann::json;

namespace {

constexpr std::chrono::milliseconds tick_interval{250};
constexpr std::uint16_t normal_close = 1000;
constexpr std::uint16_t going_away = 1001;
constexpr std::uint16_t refused = 1008;
constexpr std::uint16_t ended = 4001; ///< by the API or by another connection of the session

steady_time now() {
  return std::chrono::steady_clock::now();
}

session::time wall() {
  return std::chrono::system_clock::now();
}

/// Bearer, else ?token=.
std::string token_of(const http::request& head) {
  constexpr std::string_view bearer = "Bearer ";
  auto value = head.header_value("Authorization");
  if (value.starts_with(bearer))
    return std::string{value.substr(bearer.size())};
  return std::string{head.query_value("token").value_or("")};
}

} // namespace

room::room(boost::asio::io_context& io, peer_pool& peers, room_media& media, room_settings settings,
           std::string api_token)
  : io_(io),
    peers_(peers),
    media_(media),
    settings_(settings),
    registry_(std::move(api_token)),
    timer_(io) {}

room::~room() = default;

json room::settings_json() const {
  using std::chrono::duration_cast;
  return {{"private_mode", false},
          {"locked_logins", false},
          {"locked_controls", settings_.locked_controls},
          {"control_protection", false},
          {"implicit_hosting", settings_.implicit_hosting},
          {"inactive_cursors", false},
          {"merciful_reconnect", settings_.merciful_reconnect},
          {"heartbeat_interval", duration_cast<std::chrono::seconds>(settings_.heartbeat).count()},
          {"plugins", json::object()}};
}

json room::stats_json() const {
  std::size_t admins = 0;
  for (const auto& [id, one] : registry_.sessions())
    admins += one.connected && one.who.is_admin ? 1 : 0;
  auto time_or_null = [](const std::optional<session::time>& when) {
    return when ? json(to_rfc3339(*when)) : json(nullptr);
  };
  json out{{"has_host", !host_.empty()},
           {"server_started_at", to_rfc3339(started_)},
           {"total_users", seats_.size() - admins},
           {"last_user_left_at", time_or_null(last_user_left_)},
           {"total_admins", admins},
           {"last_admin_left_at", time_or_null(last_admin_left_)}};
  if (!host_.empty())
    out["host_id"] = host_;
  return out;
}

room::seat_ptr room::find_seat(std::string_view id) const {
  auto at = seats_.find(id);
  return at == seats_.end() ? nullptr : at->second;
}

room::seat_ptr room::by_connection(std::uint64_t connection) const {
  for (const auto& [id, one] : seats_)
    if (one->connection == connection && one->socket)
      return one;
  return nullptr;
}

api_result<session*> room::login(std::string_view username, std::string_view password) {
  if (down_)
    return api_error{503, "shutting down"};
  if (auto* old = registry_.find(username); old != nullptr && !old->connected)
    broadcast("session/deleted", {{"id", old->id}});
  auto made = registry_.login(username, password);
  if (made)
    broadcast("session/created", to_json(**made));
  return made;
}

void room::end_session(std::string_view id, std::string_view why) {
  auto* one = registry_.find(id);
  if (one == nullptr)
    return;
  auto copy = one->id; // `id` may point into what is removed
  disconnect(copy, why);
  registry_.remove(copy);
  broadcast("session/deleted", {{"id", copy}});
}

void room::disconnect(std::string_view id, std::string_view why) {
  if (auto who = find_seat(id))
    leave(who, why, ended);
}

void room::apply_profile(std::string_view id) {
  auto* one = registry_.find(id);
  if (one == nullptr)
    return;
  auto changes = to_json(one->who);
  changes["id"] = one->id;
  broadcast("session/profile", changes);
  if (is_host(id) && !one->who.can_host)
    set_host({}, id);
  auto who = find_seat(id);
  if (!who)
    return;
  media_.set_dom_wheel(who->input, one->who.dom_wheel());
  if (!one->who.can_connect || !one->who.can_login) {
    leave(who, "connection disabled", ended);
  } else if (!one->who.can_watch && who->media) {
    end_media(*who);
    refuse_media(*who, errc::forbidden, "watching is not allowed any more");
  }
}

void room::open(http::upgrade_ptr request) {
  if (down_)
    return request->refuse(http::problem({errc::shutting_down, "the engine is stopping"}));
  auto number = next_number_++;
  auto token = token_of(request->head());
  std::weak_ptr<room> weak = weak_from_this();
  http::ws_handlers handlers;
  handlers.on_message = [weak, number](std::string text, bool binary) {
    auto self = weak.lock();
    auto who = self ? self->by_connection(number) : nullptr;
    if (!who)
      return; // refused, or its session has a newer socket
    auto socket = who->socket;
    if (!binary)
      self->on_message(number, text);
    socket->acknowledge(1);
  };
  handlers.on_close = [weak, number](http::close_reason why) {
    if (auto self = weak.lock())
      self->on_closed(number, why);
  };
  auto opened = [weak, number, token, &io = io_](http::ws_ptr socket) {
    // By a post: what is sent from inside of the callback is written twice by the transport.
    boost::asio::post(io, [weak, number, token, socket = std::move(socket)]() mutable {
      if (auto self = weak.lock())
        self->join(number, token, std::move(socket));
      else
        socket->close(going_away, "connection shutdown");
    });
  };
  request->accept({}, std::move(handlers), std::move(opened));
}

void room::join(std::uint64_t connection, const std::string& token, http::ws_ptr socket) {
  auto* as = registry_.find_token(token);
  const char* no = nullptr;
  if (token.empty())
    no = "no authentication provided";
  else if (as == nullptr)
    no = "session not found";
  else if (!as->api && !as->who.can_login)
    no = "session login disabled";
  else if (as->api || !as->who.can_connect)
    no = "connection disabled";
  auto who = no == nullptr ? find_seat(as->id) : nullptr;
  if (who && who->socket && !settings_.merciful_reconnect)
    no = "already connected";
  if (down_)
    no = "connection shutdown";
  if (no != nullptr) {
    json text{{"event", "system/disconnect"}, {"payload", {{"message", no}}}};
    socket->send_text(std::make_shared<const std::string>(text.dump()));
    socket->close(refused, no);
    return;
  }
  if (!who) {
    who = std::make_shared<seat>();
    who->id = as->id;
    who->input = next_number_++;
    seats_.emplace(who->id, who);
    media_.set_dom_wheel(who->input, as->who.dom_wheel());
  }
  auto old = std::exchange(who->socket, std::move(socket));
  who->connection = connection;
  who->grace_until.reset();
  who->next_heartbeat = now() + settings_.heartbeat;
  greet(*who, *as);
  if (old) {
    json text{{"event", "system/disconnect"}, {"payload", {{"message", "connection replaced"}}}};
    old->send_text(std::make_shared<const std::string>(text.dump()));
    old->close(ended, "connection replaced");
  }
  arm();
}

void room::greet(seat& who, session& as) {
  as.set_connected(true, wall());
  auto size = media_.size();
  json screen{{"width", size.width}, {"height", size.height}, {"rate", size.rate}};
  json sessions = json::object();
  for (const auto& [id, one] : registry_.sessions())
    sessions[id] = to_json(one);
  auto control = control_json();
  control["id"] = "";
  send(who, "system/init",
       {{"session_id", as.id},
        {"control_host", control},
        {"screen_size", screen},
        {"sessions", sessions},
        {"settings", settings_json()},
        {"touch_events", false},
        {"screencast_enabled", false},
        {"webrtc", {{"videos", json::array({video_id})}}}});
  if (as.who.is_admin)
    send(
      who, "system/admin",
      {{"screen_sizes_list", json::array({screen})}, {"broadcast_status", {{"is_active", false}}}});
  announce_state(as);
}

void room::on_message(std::uint64_t connection, const std::string& text) {
  auto who = by_connection(connection);
  auto safe = who ? http::parse_json(text) : result<json>{error{errc::token_invalid, ""}};
  auto parsed = safe ? std::move(*safe) : json();
  if (!parsed.is_object()) // also what could not be parsed
    return;
  auto name = parsed.find("event");
  if (name == parsed.end() || !name->is_string())
    return;
  auto at = events().find(name->get_ref<const std::string&>());
  if (at == events().end())
    return;
  auto what = parsed.find("payload");
  (this->*at->second)(*who, what != parsed.end() && what->is_object() ? *what : json::object());
}

void room::on_closed(std::uint64_t connection, const http::close_reason& why) {
  auto who = by_connection(connection);
  if (!who)
    return;
  who->socket = nullptr;
  if (why.code == normal_close || why.code == going_away)
    leave(who, {}, normal_close);
  else
    who->grace_until = now() + settings_.grace;
}

void room::leave(const seat_ptr& who, std::string_view message, std::uint16_t code) {
  if (!seats_.contains(who->id))
    return;
  if (who->socket) {
    send(*who, "system/disconnect", {{"message", message}});
    std::exchange(who->socket, nullptr)->close(code, std::string{message});
  }
  if (is_host(who->id))
    set_host({}, who->id);
  end_media(*who);
  media_.forget(who->input);
  seats_.erase(who->id);
  if (auto* as = registry_.find(who->id)) {
    as->set_connected(false, wall());
    (as->who.is_admin ? last_admin_left_ : last_user_left_) = wall();
    announce_state(*as);
  }
}

void room::arm() {
  if (ticking_ || seats_.empty() || down_)
    return;
  ticking_ = true;
  timer_.expires_after(tick_interval);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
    auto self = weak.lock();
    if (!self)
      return;
    self->ticking_ = false;
    if (!cancelled)
      self->on_tick();
  });
}

void room::on_tick() {
  auto at = now();
  auto all = seats_;
  for (auto& [id, who] : all) {
    if (who->grace_until && at >= *who->grace_until) {
      leave(who, {}, normal_close);
    } else if (who->socket && at >= who->next_heartbeat) {
      who->next_heartbeat = at + settings_.heartbeat;
      send(*who, "system/heartbeat", nullptr);
    }
    if (who->cursor_due)
      send_cursor(*who);
  }
  arm();
}

void room::shut_down(std::string_view why) {
  down_ = true;
  timer_.cancel();
  auto all = seats_;
  for (auto& [id, who] : all)
    leave(who, why, going_away);
}

} // namespace holt::stream
