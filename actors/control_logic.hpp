// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who drives: the one arbiter's rules, pure. Viewers (browsers) come and go; at most one of them
// is the driver, and the engine lets only the driver's input through. An explicit take also holds
// off the API (the agent) until it is released. Every change opens an epoch. Runs wherever it is
// called; holds no clock, no engine, no actor.

#include "messages/error.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace holt::control {

/// Number of a viewer's connection.
enum class viewer_id : std::uint64_t {};

struct viewer {
  std::string name;
  std::string session; ///< id at the engine; empty until it is logged in there
  bool may_drive = false;
  bool may_take_from_others = false; ///< scope admin
};

struct state {
  std::uint64_t epoch = 0;
  std::map<viewer_id, viewer> viewers;
  std::optional<viewer_id> driver;
  bool taken = false;           ///< the API is held off
  std::string taken_by;         ///< name; outlives an abnormal drop
  std::deque<viewer_id> asking; ///< in order, each once
};

struct joined {
  viewer_id id;
  viewer who;
};
struct left {
  viewer_id id;
  bool clean = false; ///< closed on purpose: hands back what it had taken
};
struct request {
  viewer_id id;
};
struct release {
  viewer_id id;
};
struct take {
  viewer_id id;
};
struct give {
  viewer_id from;
  viewer_id to;
};
/// POST /v1/control/release with scope admin, or the engine says that nobody is host.
struct reset {};
/// The engine (re)started: nobody is host there.
struct engine_restarted {};
/// The engine refused a grant.
struct grant_failed {
  viewer_id id;
  std::string detail;
};

using event
  = std::variant<joined, left, request, release, take, give, reset, engine_restarted, grant_failed>;

/// Tell the engine: this session is host now.
struct grant_host {
  viewer_id id;
  std::string session;
};
/// Tell the engine: nobody is host.
struct reset_host {};
/// Tell every viewer and the feed how things stand now.
struct announce {};
/// Tell this one only: a thousand viewers that join must not tell each other.
struct show {
  viewer_id id;
};
/// Tell the driver that somebody asks.
struct ask_driver {
  viewer_id driver;
  viewer_id asker;
  std::string asker_name;
};
/// Tell this viewer why not.
struct refuse {
  viewer_id id;
  error why;
};

using effect = std::variant<grant_host, reset_host, announce, show, ask_driver, refuse>;

/// The whole behaviour. Events of unknown viewers change nothing.
std::vector<effect> step(state& now, const event& what);

/// `person` while somebody drives or has taken control, else `none`.
std::string_view kind(const state& now);
/// Who that is; empty when nobody.
std::string driver_name(const state& now);
/// errc::control_held while control is taken: API acts are refused.
result<void> may_api_act(const state& now);

} // namespace holt::control
