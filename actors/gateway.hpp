// SPDX-License-Identifier: Apache-2.0
#pragma once

// The daemon's front door: which request may do what, and who answers it. A service of the
// listener, called on the connections' strands; asks the actors and answers later. Holds no state
// of its own but the followers of the feed.

#include "actors/activity.hpp"
#include "actors/api_document.hpp"
#include "actors/control.hpp"
#include "actors/control_gate.hpp"
#include "actors/desktop_context.hpp"
#include "actors/engine_children.hpp"
#include "actors/file_api.hpp"
#include "actors/hand_log.hpp"
#include "actors/router.hpp"
#include "actors/tree_client.hpp"
#include "actors/viewers.hpp"
#include "actors/x_thread.hpp"
#include "broker/broker.hpp"
#include "files/path_jail.hpp"
#include "transport/assets.hpp"
#include "transport/auth.hpp"
#include "transport/http_types.hpp"
#include "transport/listener.hpp"
#include "transport/session_sockets.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <unordered_map>

namespace holt {

class recorder;

namespace shell {
class live_process;
class process_room;
} // namespace shell

namespace http {
class token_store;
}

struct gateway_deps {
  caf::actor_system* system = nullptr;
  boost::asio::any_io_executor executor;
  std::shared_ptr<tree_client> tree; ///< filled before the first request
  std::shared_ptr<http::authority> authority;
  std::shared_ptr<http::token_store> tokens; ///< null: there are no scoped ones
  std::shared_ptr<const http::assets> page;  ///< null: there is none
  actor_ref<activity_actor> activity;
  actor_ref<caf::actor> control;
  actor_ref<caf::actor> viewers;
  actor_ref<caf::actor> x_client;
  x_door_ptr door;       ///< to the X thread
  control_gate_ptr gate; ///< whether the API may act
  hand_log_ptr hands;    ///< what people did on the desktop
  actor_ref<caf::actor> commands;
  actor_ref<caf::actor> processes;
  std::shared_ptr<const files::path_jail> jail; ///< where processes may start
  boost::asio::any_io_executor blocking;        ///< for what takes long
  std::shared_ptr<broker::broker> broker;       ///< null: off
  /// How an agent of this session connects: `{url, key, session}`; not_found where there is none.
  std::function<result<nlohmann::json>(const std::string& session)> realtime;
  file_api_ptr files;                   ///< null: no file routes
  std::shared_ptr<recorder> recordings; ///< null only where nothing is served
  desktop_context_ptr context;          ///< null without a desktop
  engine_choice engine;
  std::string log_dir;
  std::uint64_t max_body_bytes = 1024 * 1024;
  unsigned max_width = 3840;
  unsigned max_height = 2160;
  bool need_token = true;
  nlohmann::json kernel; ///< what it allows, for health
  std::function<http::listener_stats()> listener_stats;
  std::function<std::uint64_t()> strangers_reaped;
};

/// One request that was let in.
struct gateway_call {
  http::request request;
  std::map<std::string, std::string, std::less<>> params;
  http::identity who;
  http::reply answer;
};

/// One request that was let in, to a route whose bodies no memory holds.
struct streaming_call {
  http::request request;
  std::map<std::string, std::string, std::less<>> params;
  http::identity who;
  std::shared_ptr<http::body_sink> sink; ///< took the body; null where the route has none
  http::streaming_reply answer;
};

class gateway final : public http::service,
                      public http::streaming_service,
                      public std::enable_shared_from_this<gateway> {
public:
  explicit gateway(gateway_deps deps);

  result<std::uint64_t> admit(const http::request& head) override;
  bool knows(const http::request& head) override;
  std::vector<http::header> refusal_headers(const http::request& head, const error& why) override;
  void handle(http::request what, http::reply answer) override;
  void handle_upgrade(http::upgrade_ptr what) override;
  bool streams(const http::request& head) override;
  std::shared_ptr<http::body_sink> open_body(const http::request& head) override;
  void handle_streaming(http::request what, std::shared_ptr<http::body_sink> sink,
                        http::streaming_reply answer) override;

  /// What it serves, for the description of the API.
  std::vector<api::route_facts> routes() const;

  /// The feed was restarted: its followers are sent away and come back by themselves.
  void drop_followers();

private:
  using http_handler = std::function<void(gateway_call)>;
  using streaming_handler = std::function<void(streaming_call)>;
  using ws_handler = std::function<void(http::upgrade_ptr, const http::identity&)>;

  struct route {
    http::scopes needs; ///< all of these
    bool open = false;  ///< no credential needed
    http_handler http;
    ws_handler websocket;
    /// Instead of `http`: bodies that no memory holds.
    streaming_handler streaming = nullptr;
    /// Takes the request's body; may be null.
    std::function<std::shared_ptr<http::body_sink>(const http::request&)> sink = nullptr;
    std::uint64_t max_body_bytes = 0; ///< 0: as configured
    std::string method = {};          ///< both are filled in by add()
    std::string pattern = {};
  };

  void get(std::string_view pattern, http::scopes needs, http_handler what);
  void post(std::string_view pattern, http::scopes needs, http_handler what);
  void websocket(std::string_view pattern, http::scopes needs, ws_handler what);
  void add(std::string_view method, std::string_view pattern, route what);
  void open_route(std::string_view method, std::string_view pattern, http_handler what);

  // gateway_document.cpp
  void add_document_routes();
  // gateway_session.cpp
  void add_session_routes();
  // gateway_tokens.cpp
  void add_token_routes();
  // gateway_tree.cpp
  void add_tree_routes();
  void follow_activity(const http::upgrade_ptr& what);
  // gateway_desktop.cpp
  void add_desktop_routes();
  // gateway_control.cpp
  void add_control_routes();
  // gateway_screen.cpp
  void add_screen_routes();
  // gateway_input.cpp
  void add_input_routes();
  // gateway_windows.cpp
  void add_window_routes();
  // gateway_accessibility.cpp
  void add_accessibility_routes();
  // gateway_clipboard.cpp
  void add_clipboard_routes();
  // gateway_launch.cpp
  void add_launch_routes();
  // gateway_recording.cpp
  void add_recording_routes();
  // gateway_health.cpp
  void add_health_routes();
  http::response metrics_document(const result<supervision::tree_report>& tree,
                                  const nlohmann::json& link) const;
  // gateway_files.cpp, which also has streams, open_body and handle_streaming
  void add_file_routes();
  // gateway_link.cpp
  void add_link_routes();
  bool is_realtime(const http::request& head) const;
  http::response app_access(const http::identity& who) const;
  // gateway_processes.cpp
  void add_process_routes();
  void add_process_ends();
  void add_process_input();
  void create_process(const gateway_call& call) const;
  void run_process(const gateway_call& call) const;
  void list_processes(const gateway_call& call) const;
  void in_process_room(const http::reply& answer,
                       std::function<void(shell::process_room&)> work) const;
  void
  with_process(gateway_call call,
               std::function<void(gateway_call, std::shared_ptr<shell::live_process>)> what) const;
  // gateway_terminals.cpp
  void add_terminal_routes();
  void open_terminal(const http::upgrade_ptr& what) const;
  void show_log(const streaming_call& call) const;

  result<http::identity> identify(const http::request& head, bool websocket) const;

  gateway_deps deps_;
  std::shared_ptr<http::session_sockets> sockets_;
  router router_;
  std::vector<route> routes_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::mutex followers_mutex_;
  std::unordered_map<std::uint64_t, std::weak_ptr<http::ws_connection>> followers_;
  std::atomic<std::uint64_t> last_follower_{0};
};

/// By which a browser's calls and its viewer are known as one person's; empty: it is no browser.
std::string session_key(bool need_token, const http::request& head, const http::identity& who);

/// Who calls, for the gate. invalid_request: an epoch that is no number.
result<control::caller> caller_of(const gateway_deps& deps, const gateway_call& call);

/// Who calls for an act; nothing when the gate does not let it through now: then it is answered.
/// Ask the gate again where it takes effect.
std::optional<control::caller> actor_of(const gateway_deps& deps, const gateway_call& call);

/// The problem; control_held by its exact word, with `epoch`, `agentEpoch` and `holder`.
http::response control_problem(const control_gate_ptr& gate, const control::caller& who,
                               const error& why);

/// Answers below 400 get the header Holt-Epoch.
http::reply with_epoch(const control_gate_ptr& gate, http::reply answer);

/// Paths of the Realtime protocol: they need its keys, not Holt's, and skip the Origin list.
bool is_realtime_path(std::string_view path);

/// 404 as the contract has it.
http::response unknown_process(const std::string& id);

/// Answers 204, or the problem.
void answer_outcome(const http::reply& answer, const result<void>& got);

/// The JSON object of a body; an empty body is an empty object. invalid_request, unprocessable.
result<nlohmann::json> body_object(const http::request& request);

/// The same of a route of ours, which the published client does not know: with no other fields.
result<nlohmann::json> own_body(const http::request& request,
                                std::initializer_list<std::string_view> fields);

} // namespace holt
