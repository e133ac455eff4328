// SPDX-License-Identifier: Apache-2.0
#pragma once

// The room with neko's rules: who is connected, who hosts (drives), and each session's media
// connection. Owned by the engine; io thread only. Messages of viewers are outside input: a bad one
// is ignored or answered, it never ends anything but that viewer. It does no HTTP routing.

#include "stream/data_channel.hpp"
#include "stream/peer_pool.hpp"
#include "stream/room_media.hpp"
#include "stream/session.hpp"
#include "transport/http_types.hpp"

#include <boost/asio/steady_timer.hpp>

namespace holt::stream {

struct room_settings {
  bool locked_controls = true;   ///< only admins and the API give control
  bool implicit_hosting = false; ///< input and requests of a viewer take control
  bool merciful_reconnect = true;
  std::chrono::milliseconds heartbeat{10'000};
  std::chrono::milliseconds grace{5'000}; ///< for a return after an abnormal close
};

class room : public std::enable_shared_from_this<room> {
public:
  static constexpr std::string_view video_id = "main";

  room(boost::asio::io_context& io, peer_pool& peers, room_media& media, room_settings settings,
       std::string api_token);
  ~room();

  session_registry& registry() noexcept { return registry_; }
  room_media& media() noexcept { return media_; }
  peer_pool& peers() noexcept { return peers_; }
  nlohmann::json settings_json() const;
  nlohmann::json stats_json() const;

  // -- sessions, for the HTTP API
  api_result<session*> login(std::string_view username, std::string_view password);
  /// Ends the session, its socket and its media. `why` goes to the viewer.
  void end_session(std::string_view id, std::string_view why);
  /// The same, but the session stays and its token still opens.
  void disconnect(std::string_view id, std::string_view why);
  /// A profile changed: what it no longer allows ends at once.
  void apply_profile(std::string_view id);

  // -- signaling
  /// A WebSocket request for /api/ws. Authentication comes after the upgrade, as neko does.
  void open(http::upgrade_ptr request);

  // -- who drives
  nlohmann::json control_json() const;
  bool is_host(std::string_view id) const noexcept { return !host_.empty() && host_ == id; }
  /// 204 granted, 202 the host was asked, 403 locked or not allowed.
  unsigned request_control(const session& who);
  api_result<void> release_control(const session& who);
  api_result<void> take_control(const session& who);
  api_result<void> give_control(const session& who, std::string_view to);
  void reset_control(const session& who);
  /// Presses or releases modifiers ({"shift": true, …}); locks (Caps, Num) are left alone, since a
  /// keysym is typed as itself whatever they are. 403 for anybody but the host.
  api_result<void> set_modifiers(const session& who, const nlohmann::json& wanted);

  // -- from the desktop, on the io thread
  void on_cursor_image(const desktop::cursor_image& image);
  void on_pointer(desktop::pointer_position where);
  void on_clipboard(const std::string& text);
  void on_screen(screen_size size, std::string_view by);
  /// The picture broke: every viewer is told why, media ends, sockets stay.
  void on_media_failure(const error& why);

  /// Tells every viewer and closes; idempotent.
  void shut_down(std::string_view why);

  std::size_t connected() const noexcept { return seats_.size(); }

private:
  /// A connected session: its socket (gone during the grace) and its media connection.
  struct seat {
    std::string id;
    std::uint64_t input = 0;      ///< this viewer for room_media
    std::uint64_t connection = 0; ///< number of the socket; an older socket's events are stale
    http::ws_ptr socket;
    peer_ptr media;
    std::uint64_t media_number = 0; ///< likewise
    bool video = true;
    bool audio = true;
    bool cursor_due = false; ///< the image did not fit into the channel yet
    steady_time next_heartbeat{};
    std::optional<steady_time> grace_until;
  };
  using seat_ptr = std::shared_ptr<seat>;
  using payload = const nlohmann::json&;
  using event_handler = void (room::*)(seat&, payload);

  // room.cpp
  void join(std::uint64_t connection, const std::string& token, http::ws_ptr socket);
  void on_message(std::uint64_t connection, const std::string& text);
  void on_closed(std::uint64_t connection, const http::close_reason& why);
  void leave(const seat_ptr& who, std::string_view message, std::uint16_t code);
  seat_ptr find_seat(std::string_view id) const;
  seat_ptr by_connection(std::uint64_t connection) const;
  void greet(seat& who, session& as);
  void arm();
  void on_tick();
  // room_events.cpp
  static const std::map<std::string, event_handler, std::less<>>& events();
  void send(const seat& to, std::string_view event, const nlohmann::json& what) const;
  void broadcast(std::string_view event, const nlohmann::json& what,
                 std::string_view except = {}) const;
  void announce_state(const session& one) const;
  void on_ignored(seat& who, payload p);
  void on_unicast(seat& who, payload p);
  void on_say(seat& who, payload p);
  void on_screen_set(seat& who, payload p);
  void on_clipboard_set(seat& who, payload p);
  // room_signal.cpp
  void on_request(seat& who, payload p);
  void on_answer(seat& who, payload p);
  void on_video(seat& who, payload p);
  void on_audio(seat& who, payload p);
  void end_media(seat& who);
  void refuse_media(const seat& who, errc code, const std::string& reason) const;
  void on_media_connected(seat& who);
  void on_channel_open(seat& who);
  void on_channel_message(seat& who, bytes_view message);
  void send_cursor(seat& who);
  // room_control.cpp
  void set_host(std::string id, std::string_view by);
  bool may_drive(seat& who);
  void on_control_request(seat& who, payload p);
  void on_control_release(seat& who, payload p);
  void on_move(seat& who, payload p);
  void on_scroll(seat& who, payload p);
  void on_button_press(seat& who, payload p);
  void on_button_down(seat& who, payload p);
  void on_button_up(seat& who, payload p);
  void on_key_press(seat& who, payload p);
  void on_key_down(seat& who, payload p);
  void on_key_up(seat& who, payload p);
  void on_cut(seat& who, payload p);
  void on_copy(seat& who, payload p);
  void on_select_all(seat& who, payload p);
  void on_paste(seat& who, payload p);
  void on_modifiers(seat& who, payload p);
  void shortcut(seat& who, std::uint32_t letter);

  boost::asio::io_context& io_;
  peer_pool& peers_;
  room_media& media_;
  room_settings settings_;
  session_registry registry_;
  std::map<std::string, seat_ptr, std::less<>> seats_; ///< by session id
  std::string host_;                                   ///< session id; empty: nobody
  std::uint64_t next_number_ = 1;
  std::vector<std::uint8_t> cursor_message_;
  desktop::pointer_position pointer_;
  boost::asio::steady_timer timer_;
  bool ticking_ = false;
  bool down_ = false;
  session::time started_ = std::chrono::system_clock::now();
  std::optional<session::time> last_user_left_;
  std::optional<session::time> last_admin_left_;
};

} // namespace holt::stream
