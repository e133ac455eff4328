// SPDX-License-Identifier: Apache-2.0
#pragma once

// neko's HTTP API over a room: routes, authentication, answers in neko's shapes (an error is
// `{"code", "message"}`). Owned by the listener; io thread; keeps no state of its own.

#include "stream/room.hpp"
#include "transport/http_types.hpp"

namespace holt::stream {

/// What /metrics shows of the sources.
struct source_numbers {
  std::uint64_t video_frames = 0;
  std::uint64_t video_keys = 0;
  std::uint64_t video_bytes = 0;
  std::uint64_t capture_us = 0; ///< sum
  std::uint64_t encode_us = 0;  ///< sum
  unsigned video_viewers = 0;
  unsigned audio_viewers = 0;
  std::uint64_t input_dropped = 0;
};

/// The text of /metrics (Prometheus).
std::string metrics_text(room& of, const source_numbers& numbers);

class engine_api : public http::service {
public:
  engine_api(std::shared_ptr<room> of, std::function<source_numbers()> numbers);

  result<std::uint64_t> admit(const http::request& head) override;
  void handle(http::request what, http::reply answer) override;
  void handle_upgrade(http::upgrade_ptr what) override;

private:
  /// One request on its way through its handler.
  struct call {
    const http::request& request;
    nlohmann::json body;
    session* who = nullptr; ///< set unless the route is open
    std::string id;         ///< the {id} of the path
    http::reply answer;
  };
  enum class access { open, session, admin };
  using handler = void (engine_api::*)(call&);
  struct route {
    std::string method;
    std::string path; ///< segments; "{id}" takes one
    access who;
    handler run;
  };
  static const std::vector<route>& routes();
  const route* find(const std::string& method, const std::vector<std::string>& segments,
                    std::string& id, bool& known_path) const;

  // engine_api.cpp
  void health(call& c);
  void metrics(call& c);
  void login(call& c);
  void logout(call& c);
  void whoami(call& c);
  void stats(call& c);
  void sessions(call& c);
  void session_of(call& c);
  void end_session(call& c);
  void disconnect(call& c);
  void members(call& c);
  void create_member(call& c);
  void member_of(call& c);
  void update_member(call& c);
  void member_password(call& c);
  void delete_member(call& c);
  // engine_api_room.cpp
  void settings(call& c);
  void control(call& c);
  void control_request(call& c);
  void control_release(call& c);
  void control_take(call& c);
  void control_give(call& c);
  void control_reset(call& c);
  void screen(call& c);
  void set_screen(call& c);
  void configurations(call& c);
  void shot(call& c);
  void keyboard_map(call& c);
  void set_keyboard_map(call& c);
  void modifiers(call& c);
  void set_modifiers(call& c);
  void clipboard(call& c);
  void set_clipboard(call& c);

  std::shared_ptr<room> room_;
  std::function<source_numbers()> numbers_;
};

// Answers in neko's shapes.
http::response neko_error(unsigned status, std::string_view message);
http::response neko_json(const nlohmann::json& body);
http::response neko_empty(); ///< 204

} // namespace holt::stream
