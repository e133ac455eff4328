// SPDX-License-Identifier: Apache-2.0
#pragma once

// The client's side of one Realtime channel, pure: when to connect, join, rejoin, beat, fetch a
// token, give up a socket, and what to tell above. No socket, no clock, no thread: realtime_client
// is its hands. All times are told to it; all randomness comes out of its seed. The rules and the
// complaints behind them: reference notes on Supabase Realtime, section 6.

#include "link/realtime_errors.hpp"
#include "link/realtime_presence.hpp"
#include "messages/phoenix_frame.hpp"

#include <array>
#include <deque>
#include <optional>
#include <variant>

namespace holt::link::realtime {

using std::chrono::milliseconds;
using steady_time = std::chrono::steady_clock::time_point;
using wall_time = std::chrono::system_clock::time_point;

struct clocks {
  steady_time now;
  wall_time wall;
};

using ladder = std::array<milliseconds, 4>;

struct policy {
  phoenix::version version = phoenix::version::v2;
  std::string topic; ///< with its prefix `realtime:`
  bool private_channel = false;
  std::string presence_key;
  bool fetches_token = false; ///< a token command is configured
  std::string token;          ///< without one: sent with the join; empty: the key in the URL counts
  link_limits limits;
  milliseconds connect{10'000};      ///< until the 101
  milliseconds token_wait{20'000};   ///< for the command, whose own limit is shorter
  milliseconds beat{20'000};         ///< between heartbeats
  milliseconds beat_reply{10'000};   ///< for the answer to one
  milliseconds probe_reply{3'000};   ///< the same after the machine slept
  milliseconds join{12'000};         ///< above the server's own delay of 5 s for refusals
  milliseconds leave{1'000};         ///< for the answer to phx_leave
  milliseconds rate_wait{60'000};    ///< the window of the server's limits
  milliseconds fatal_wait{60'000};   ///< between attempts while the configuration is wrong
  milliseconds stable{10'000};       ///< joined this long: the ladders start anew
  milliseconds watch{5'000};         ///< between looks at the clocks while connected
  milliseconds jump{5'000};          ///< a larger gap between the clocks: the machine slept
  milliseconds token_margin{60'000}; ///< a new token is fetched this long before expiry
  milliseconds token_retry{10'000};  ///< least time between fetches while joined
  milliseconds track_gap{10'000};    ///< between two `track`: 5 in 30 s close the channel
  milliseconds push_answer{15'000};  ///< a broadcast unanswered so long: write access is missing
  ladder rejoin{milliseconds{1'000}, milliseconds{2'000}, milliseconds{5'000},
                milliseconds{10'000}};
  ladder reconnect{milliseconds{1'000}, milliseconds{2'000}, milliseconds{5'000},
                   milliseconds{10'000}}; ///< upper ends; full jitter
};

/// Divides every wait, for tests against a real socket.
void hurry(policy& how, unsigned by);

enum class socket_state : std::uint8_t { disconnected, connecting, open };
enum class channel_state : std::uint8_t { closed, joining, joined, errored, leaving };

std::string_view to_string(socket_state what) noexcept;
std::string_view to_string(channel_state what) noexcept;

/// One push that waits for its turn.
struct waiting_push {
  std::string event;
  std::shared_ptr<const std::string> payload;
};

/// Every point in time at which something is due. Nothing else wakes the machine.
struct deadlines {
  std::optional<steady_time> retry;   ///< connect
  std::optional<steady_time> connect; ///< give up connecting
  std::optional<steady_time> token;   ///< give up the token command
  std::optional<steady_time> refresh; ///< fetch a new token while joined
  std::optional<steady_time> join;    ///< give up the join
  std::optional<steady_time> rejoin;
  std::optional<steady_time> beat;       ///< send a heartbeat
  std::optional<steady_time> beat_reply; ///< the socket is dead
  std::optional<steady_time> watch;      ///< look at the clocks
  std::optional<steady_time> pace;       ///< the token bucket has one
  std::optional<steady_time> track;
  std::optional<steady_time> leave;
};

struct state {
  socket_state socket = socket_state::disconnected;
  channel_state channel = channel_state::closed;
  bool over = false; ///< close() was carried out: nothing happens any more
  std::uint64_t random = 1;

  std::uint64_t serial = 0;       ///< of the socket; what another one says is dropped
  std::uint64_t token_serial = 0; ///< of the fetch
  bool fetching = false;
  bool token_fresh = false; ///< no join was tried with it
  bool join_wanted = false; ///< as soon as the token is here
  std::string token;
  std::optional<wall_time> token_expires;

  std::uint64_t next_ref = 1; ///< per socket
  std::string join_ref;       ///< of the join under way or in force; else empty
  std::string beat_ref;       ///< of the unanswered heartbeat
  steady_time beat_sent;
  bool beat_extended = false;
  std::string track_ref;
  std::string watched_ref; ///< one broadcast whose answer is watched
  steady_time watched_at;
  bool silence_told = false; ///< missing write access was reported in this join

  unsigned rejoins = 0;    ///< in a row: step of the ladder
  unsigned reconnects = 0; ///< the same
  unsigned join_timeouts = 0;
  unsigned kicked = 0;                   ///< 1001 instead of an answer to the join, in a row
  unsigned expired = 0;                  ///< joins refused for an expired token, in a row
  std::optional<steady_time> not_before; ///< of a rate limit or a fatal error
  std::optional<verdict> system;         ///< said before phx_close
  steady_time system_at;

  steady_time joined_at;
  wall_time heard;        ///< last byte
  wall_time heard_joined; ///< last byte while joined; before the first join: the start
  steady_time heard_at;
  clocks last;
  std::optional<steady_time> armed;
  deadlines due;

  double bucket = 0; ///< messages that may go now
  steady_time bucket_at;
  std::deque<waiting_push> outbox;
  std::size_t outbox_bytes = 0;

  nlohmann::json meta; ///< null: none
  bool track_needed = false;
  std::optional<steady_time> tracked_at;
  presence_table presence;

  std::optional<error> last_error; ///< since the last join
  std::optional<error> told;       ///< by on_down, since the last join
  std::uint64_t connects = 0;
  std::uint64_t joins = 0;
  std::uint64_t dropped = 0; ///< frames that were no use
};

// -- what happens
struct started {};
struct tick {};
struct connected {
  std::uint64_t serial = 0;
};
struct connect_failed {
  std::uint64_t serial = 0;
  verdict why;
};
struct closed {
  std::uint64_t serial = 0;
  std::uint16_t code = 1006;
  std::string reason;
};
struct received {
  std::uint64_t serial = 0;
  std::string bytes;
  bool binary = false;
};
struct token_ready {
  std::uint64_t serial = 0;
  std::string token;
};
struct token_failed {
  std::uint64_t serial = 0;
  error why;
};
struct send {
  std::string event;
  std::shared_ptr<const std::string> payload; ///< JSON text
};
struct set_meta {
  nlohmann::json meta;
};
struct close {};

using event = std::variant<started, tick, connected, connect_failed, closed, received, token_ready,
                           token_failed, send, set_meta, close>;

// -- what to do, in this order
struct connect {
  std::uint64_t serial = 0;
};
struct to_socket {
  std::string text;
};
/// Also gives up an attempt to connect. Nothing is heard of this socket any more.
struct close_socket {
  std::uint64_t serial = 0;
  std::uint16_t code = 1000;
  std::string reason;
};
struct fetch_token {
  std::uint64_t serial = 0;
};
/// Replaces the one before; a tick at or after it, or none when empty.
struct arm {
  std::optional<steady_time> at;
};
struct up {};
struct down {
  error why;
  wall_time since;
};
struct deliver {
  link_message what;
};
struct presence {
  std::vector<link_presence> all;
};
/// Worth a line in the log.
struct report {
  bool warning = false;
  std::string event;
  std::string detail;
};
struct finished {};

using effect = std::variant<connect, to_socket, close_socket, fetch_token, arm, up, down, deliver,
                            presence, report, finished>;

/// The whole behaviour. Any event may come at any time.
std::vector<effect> step(state& now, const event& what, const clocks& at, const policy& how);

/// Whether a broadcast with this payload passes the server's size check, as far as it is known:
/// the JSON text and the Erlang term that it becomes there.
bool fits(std::string_view payload, const link_limits& limits);

} // namespace holt::link::realtime
