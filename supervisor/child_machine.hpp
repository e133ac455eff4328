// SPDX-License-Identifier: Apache-2.0
#pragma once

// The life of ONE child as a pure reducer: step(state, event) → {state, effects}. Owned by the
// tree, one per process or actor. Every pair (state × event) has a row in the table of
// child_machine.cpp; what cannot matter any more is counted as stale. It knows no clock, no
// randomness, no other child; timers and port events of an earlier start change nothing.

#include "supervisor/child_spec.hpp"
#include "supervisor/restart_ledger.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace holt::supervision {

/// When a step happens, and its share of chance.
struct moment {
  time_point now;
  std::chrono::system_clock::time_point wall; ///< for death records only
  double random = 0.5;                        ///< in [0,1), for the jitter
};

enum class timer : std::uint8_t {
  ready_timeout,
  grace,
  kill_grace,
  backoff,
  stable,
  cooldown,
  live_period,
  live_timeout,
};

inline constexpr std::size_t timer_count = 8;

/// Counts the armings of one child's timers; 0 is never armed.
enum class timer_epoch : std::uint64_t {};

// -- events

struct start_asked {};
struct stop_asked {
  std::string why = "stopped on request";
};
struct restart_asked {};
struct hurry_asked {}; ///< all graces become 0

/// It may run: every dependency is ready.
struct dep_ready {};

/// It may not run: a dependency is going or gone.
struct dep_lost {
  bool to_blame = false; ///< the dependency died: a death of ours just now was its doing
  std::string why = "its dependency is gone";
};

struct port_said {
  generation gen{};
  child_event what;
};

struct timer_rang {
  timer which = timer::ready_timeout;
  timer_epoch epoch{};
};

using machine_event = std::variant<start_asked, stop_asked, restart_asked, hurry_asked, dep_ready,
                                   dep_lost, port_said, timer_rang>;

/// The columns of the table: machine_event with port events and timers spelled out.
enum class event_kind : std::uint8_t {
  start,
  stop,
  restart,
  hurry,
  dep_ready,
  dep_lost,
  spawned,
  spawn_failed,
  became_ready,
  start_progress,
  probe_ok,
  probe_missed,
  exited,
  kill_verified,
  ready_timeout,
  grace,
  kill_grace,
  backoff,
  stable,
  cooldown,
  live_period,
  live_timeout,
};

inline constexpr std::size_t event_kind_count = 22;

event_kind kind_of(const machine_event& what) noexcept;
std::string_view to_string(event_kind kind) noexcept;

// -- effects, to be carried out in order

struct start_port {};
struct stop_port {};
struct kill_port {};
struct probe_port {};

struct arm_timer {
  timer which = timer::ready_timeout;
  timer_epoch epoch{};
  milliseconds after{0};
};

struct cancel_timer {
  timer which = timer::ready_timeout;
};

struct state_changed {
  child_state from = child_state::idle;
  child_state to = child_state::idle;
  std::string reason; ///< empty when ready
};

struct death_recorded {
  death_record death;
};

/// The budget is used up and the policy is to escalate; the child is `failed`.
struct escalated {
  std::string reason;
};

/// A temporary child has ended: take it out of the tree.
struct left {};

using effect = std::variant<start_port, stop_port, kill_port, probe_port, arm_timer, cancel_timer,
                            state_changed, death_recorded, escalated, left>;

// -- state

/// What follows when the present run is over.
enum class aftermath : std::uint8_t {
  rest,  ///< stopped
  again, ///< start as soon as it may
  retry, ///< it died: back-off or give up
  fail,  ///< it died for good
};

struct child {
  child_state state = child_state::idle;
  bool wanted = false;    ///< start was asked, no stop since
  bool may_run = false;   ///< between dep_ready and dep_lost
  bool quick = false;     ///< hurry was asked
  bool cooling = false;   ///< budget exhausted: one attempt each cool-down period
  bool crashed = false;   ///< an unexpected end, not ready since
  bool completed = false; ///< a transient child ended as it should
  bool clean = false;     ///< the last end was a clean one
  bool exit_seen = false; ///< this run's end was recorded
  bool verified = false;  ///< this run's kill was verified
  bool probing = false;   ///< a live probe is out
  aftermath next = aftermath::rest;
  std::optional<death_cause> fault; ///< why we kill it, when it is its fault
  unsigned survivors = 0;
  unsigned misses = 0;      ///< live probes missed in a row
  unsigned late_probes = 0; ///< counted as missed by our timeout, answer still to come
  generation gen{};
  std::int64_t pid = 0;
  std::uint64_t restarts = 0; ///< unexpected ends
  std::uint64_t stale = 0;    ///< events that could not matter any more
  time_point started_at{};
  time_point probed_at{};
  std::optional<time_point> due; ///< end of the back-off or cool-down
  std::uint64_t epochs = 0;
  std::array<timer_epoch, timer_count> armed{}; ///< 0: not armed
  restart_ledger ledger;
  std::string reason; ///< why it is not ready; without times

  bool alive() const noexcept {
    return state == child_state::starting || state == child_state::ready
           || state == child_state::unhealthy || state == child_state::stopping
           || state == child_state::killing;
  }
};

struct step_result {
  child next;
  std::vector<effect> effects;
};

/// One event. `policy` is the child's spec; its port is not touched.
step_result step(child now, const machine_event& what, const child_spec& policy,
                 const moment& when);

/// How a run ended: "killed by signal 9", "exit code 127: program not found".
std::string sentence(const death_record& death);

} // namespace holt::supervision
