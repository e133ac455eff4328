// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who drives: the one arbiter's rules, pure. Viewers (browsers) come and go; at most one of them
// is the driver, and the engine lets only the driver's input through. An explicit take also holds
// off the API (the agent) until it is released, and a pause until it is resumed; both may come from
// a viewer or by the API. Every change opens an epoch. Runs wherever it is called; holds no clock,
// no engine, no actor.

#include "actors/control_standing.hpp"

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
  std::string key{};                 ///< as caller::key; empty: its calls are not known as its own
};

struct state {
  standing stands;
  std::map<viewer_id, viewer> viewers;
  std::optional<viewer_id> driver;
  std::deque<viewer_id> asking; ///< in order, each once
  bool given_to_agent = false;  ///< explicitly, and nobody drives since
  std::string note;             ///< for the agent, from who gave control back
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
/// A call takes control; with a viewer this one drives, too.
struct call_take {
  caller who;
  std::optional<viewer_id> viewer;
};
/// A call gives control to a viewer, or (none) back to the agent.
struct call_give {
  caller who;
  std::optional<viewer_id> to;
  std::string note;
};
struct call_release {
  caller who;
  std::string note;
};
/// The agent is held off until resume.
struct pause {
  caller who;
};
struct resume {
  caller who;
};
/// The engine (re)started: nobody is host there.
struct engine_restarted {};
/// The engine refused a grant.
struct grant_failed {
  viewer_id id;
  std::string detail;
};

using event = std::variant<joined, left, request, release, take, give, call_take, call_give,
                           call_release, pause, resume, engine_restarted, grant_failed>;

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

/// The answer of a call.
struct refuse_call {
  error why;
};

using effect
  = std::variant<grant_host, reset_host, announce, show, ask_driver, refuse, refuse_call>;

/// The whole behaviour. Events of unknown viewers change nothing.
std::vector<effect> step(state& now, const event& what);

/// `person` while somebody drives or has taken control, `agent` after it was given to it.
std::string_view kind(const state& now);
/// Who that is; empty when nobody.
std::string driver_name(const state& now);

} // namespace holt::control
