// SPDX-License-Identifier: Apache-2.0
#pragma once

// One browser's signaling connection, pure: waits for the engine, gets an account there, relays
// allowed events both ways, answers control events itself, tells failures apart, and says goodbye
// with the right close code. Runs wherever it is called; no socket, no clock, no actor.

#include "actors/control_logic.hpp"
#include "messages/error.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace holt::signaling {

using std::chrono::milliseconds;

struct policy {
  milliseconds engine_wait{15'000}; ///< for an engine that is not ready
  milliseconds progress{1'000};     ///< between two holt/waiting
  milliseconds login{5'000};        ///< account and socket
  milliseconds provide{5'000};      ///< signal/request → signal/provide
  milliseconds ice{12'000};         ///< signal/answer → media
};

/// Who is at the other end.
struct browser {
  control::viewer_id id{};
  std::string name;
  bool may_drive = false;
  bool may_take_from_others = false;
  bool published_client = false; ///< came with access_token: needs an ICE server by name
  std::string key{};             ///< as control::caller::key; empty: none
};

struct engine_info {
  bool ready = false;
  std::string reason; ///< why not, for people
  std::string name;   ///< neko | builtin
  std::string version;
  std::string stun; ///< what to name to the published client when the engine names no server
};

enum class phase : std::uint8_t { waiting, logging_in, relaying, closing, done };
enum class clock : std::uint8_t { engine_wait, progress, login, provide, ice };

struct state {
  phase now = phase::waiting;
  browser who;
  engine_info engine;
  std::string session;  ///< our id at the engine
  bool asked = false;   ///< for an account; the answer is not here yet
  bool account = false; ///< one exists there
  bool socket = false;  ///< the engine's socket is open
  bool browser_open = true;
  bool driver = false;   ///< our input is passed on
  bool offered = false;  ///< signal/provide came since the last signal/request
  bool watching = false; ///< media flows
  milliseconds waited{0};
  std::uint64_t serial = 0;       ///< of timers; older ones are stale
  std::vector<std::string> tried; ///< media addresses that were offered
  std::uint64_t dropped = 0;      ///< events that were not passed on
};

// -- what happens
struct opened {
  browser who;
  engine_info engine;
};
struct engine_changed {
  engine_info engine;
  bool stopped = false; ///< on purpose: no use to wait
};
struct account_ready {
  std::string session;
};
struct account_failed {
  error why;
};
struct engine_open {};
struct engine_closed {
  std::uint16_t code = 1006;
  std::string reason;
};
struct from_browser {
  std::string text;
  bool binary = false;
};
struct from_engine {
  std::string text;
};
struct browser_closed {
  std::uint16_t code = 1006;
};
struct control_changed {
  nlohmann::json payload; ///< of holt/control, without `you`
  bool driver = false;
};
struct control_refused {
  error why;
};
struct control_asked {
  control::viewer_id asker{};
  std::string name;
};
/// The arbiter was restarted and knows nobody.
struct arbiter_restarted {};
struct timer {
  clock what{};
  std::uint64_t serial = 0;
};
struct shutdown {
  std::uint16_t code = 1001;
  std::string reason;
};

using event
  = std::variant<opened, engine_changed, account_ready, account_failed, engine_open, engine_closed,
                 from_browser, from_engine, browser_closed, control_changed, control_refused,
                 control_asked, arbiter_restarted, timer, shutdown>;

// -- what to do
struct to_browser {
  std::string text;
};
struct to_engine {
  std::string text;
};
struct close_browser {
  std::uint16_t code;
  std::string reason;
};
struct close_engine {
  std::uint16_t code;
};
struct make_account {}; ///< and open the engine's socket with it
struct drop_account {};
struct arm {
  clock what{};
  milliseconds after{};
  std::uint64_t serial = 0;
};
struct tell_control {
  control::event what;
};
/// Worth a line in the log and in the feed.
struct report {
  std::string event;
  nlohmann::json data;
};
/// Nothing is left: the actor ends.
struct finished {};

using effect = std::variant<to_browser, to_engine, close_browser, close_engine, make_account,
                            drop_account, arm, tell_control, report, finished>;

/// The whole behaviour.
std::vector<effect> step(state& now, const event& what, const policy& how);

/// Whether the browser may send this event through to the engine.
bool passes_to_engine(std::string_view name, bool driver);
/// Whether the engine's event is for browsers.
bool passes_to_browser(std::string_view name);
/// Whether the engine's message can be for this viewer, told from its first bytes. An engine tells
/// every session about every other: with hundreds of them, parsing that would be most of our work.
bool may_concern(std::string_view text, std::string_view session);

} // namespace holt::signaling
