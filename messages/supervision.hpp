// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the supervision tree looks like from outside: states, death records, snapshots, events.
// Shown by GET /v1/supervision, the activity feed, `holt status` and the page.

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holt {

/// Leaf name of a child in the tree (`x_server`, `engine`) or, when dynamic, `signaling/7`.
using child_id = std::string;

/// Counts the starts of one child. Timers, exits and probes carry it; stale ones are dropped.
enum class generation : std::uint64_t {};

enum class child_state : std::uint8_t {
  idle,      ///< never started
  waiting,   ///< wants to run, a dependency is not ready
  starting,  ///< spawned, not proven ready
  ready,     ///< proven ready
  unhealthy, ///< was ready, missed its live probes; about to be killed
  stopping,  ///< asked to end, within its grace
  killing,   ///< its whole tree is being killed
  backoff,   ///< dead, restarts when the back-off has elapsed
  cooldown,  ///< budget exhausted, one attempt each cool-down period
  stopped,   ///< ended and not wanted
  failed,    ///< given up; starts again only when asked
};

inline constexpr std::size_t child_state_count = 11;

enum class child_kind : std::uint8_t {
  group,   ///< an inner node: supervises its children
  process, ///< an operating system process
  actor,   ///< an actor inside the daemon
};

enum class restart_policy : std::uint8_t {
  permanent, ///< always restarted
  transient, ///< restarted after an abnormal end
  temporary, ///< never restarted; leaves the tree when it ends
};

/// How one run of a child ended.
enum class death_cause : std::uint8_t {
  exit,        ///< the process exited; `code` is the exit code
  signal,      ///< the process was killed; `code` is the signal number
  timeout,     ///< it was not ready within its start timeout
  probe,       ///< it missed its live probes
  spawn_error, ///< it could not be started; `detail` says why
  actor,       ///< the actor ended; `detail` is its reason
};

/// One end of one run.
struct death_record {
  generation gen{};
  std::int64_t pid = 0; ///< 0 for actors
  death_cause cause = death_cause::exit;
  int code = 0;
  std::string detail;                  ///< a sentence: what happened, what to install
  std::chrono::milliseconds uptime{0}; ///< from spawn to end
  std::chrono::system_clock::time_point at;
  std::uint64_t peak_rss_bytes = 0;    ///< largest resident memory; 0: not known
  std::vector<std::string> last_lines; ///< at most 20 lines of its output, oldest first
  bool expected = false;               ///< the end of an asked-for stop
  friend bool operator==(const death_record&, const death_record&) = default;
};

/// What the last deaths of one child have in common.
struct death_tally {
  std::size_t deaths = 0;                      ///< how many are counted here, at most 100
  std::size_t unexpected = 0;                  ///< of them, not asked for
  std::chrono::system_clock::time_point since; ///< of the oldest
  std::map<std::string, std::size_t> by_cause; ///< `signal 11`, `exit 1`, `probe` …: how often
  friend bool operator==(const death_tally&, const death_tally&) = default;
};

/// One node of the tree as it is now.
struct child_snapshot {
  child_id id;
  child_id parent; ///< empty for the root
  child_kind kind = child_kind::process;
  child_state state = child_state::idle;
  restart_policy restart = restart_policy::permanent;
  std::vector<child_id> depends_on;
  generation gen{};
  std::int64_t pid = 0;                                ///< 0 when there is none
  std::uint64_t restarts = 0;                          ///< unexpected ends since the daemon started
  unsigned budget_used = 0;                            ///< deaths within the window
  unsigned budget_limit = 0;                           ///< deaths allowed within the window
  std::optional<std::chrono::milliseconds> uptime;     ///< since spawn, while alive
  std::optional<std::chrono::milliseconds> next_start; ///< until the back-off elapses
  std::string reason;               ///< why it is not ready, a sentence; empty when ready
  bool optional = false;            ///< the main job runs without it
  std::vector<death_record> deaths; ///< newest last, at most 5 here
  death_tally tally;                ///< of the last 100
};

/// Something happened in the tree.
struct supervision_event {
  child_id id;
  child_state from = child_state::idle;
  child_state to = child_state::idle;
  generation gen{};
  std::int64_t pid = 0;
  std::string reason;
  std::optional<death_record> death; ///< set when a run ended
};

std::string_view to_string(child_state) noexcept;
std::string_view to_string(child_kind) noexcept;
std::string_view to_string(restart_policy) noexcept;
std::string_view to_string(death_cause) noexcept;

/// `exit 1`, `signal 9`, `probe` …: as a tally counts it.
std::string short_cause(death_cause cause, int code);

void to_json(nlohmann::json&, const death_record&);
void to_json(nlohmann::json&, const death_tally&);
void to_json(nlohmann::json&, const child_snapshot&);
void to_json(nlohmann::json&, const supervision_event&);

/// The flat list as a nested document: every node has `children`. Unknown parents hang below the
/// root.
nlohmann::json tree_to_json(const std::vector<child_snapshot>& nodes);

} // namespace holt
