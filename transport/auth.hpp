// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who may do what: tokens, one-time tickets, browser sessions. One object for the daemon's life,
// thread-safe, bounded. Secrets are kept as SHA-256 digests only and compared in constant time;
// nothing here is ever logged.

#include "transport/guard.hpp"
#include "transport/http_types.hpp"
#include "transport/log.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace holt::http {

/// What a credential allows. `view` watches; `input` drives; `admin` takes from others and
/// restarts parts.
enum class scope : std::uint8_t { view = 1, input = 2, fs = 4, exec = 8, admin = 16 };

struct scopes {
  std::uint8_t bits = 0;
  constexpr scopes() = default;
  constexpr scopes(scope one) : bits{static_cast<std::uint8_t>(one)} {}
  constexpr explicit scopes(std::uint8_t raw) : bits{raw} {}
  constexpr bool has(scopes all) const { return (bits & all.bits) == all.bits; }
  friend constexpr scopes operator|(scopes a, scopes b) {
    return scopes{static_cast<std::uint8_t>(a.bits | b.bits)};
  }
  friend constexpr bool operator==(scopes, scopes) = default;
};

inline constexpr scopes all_scopes{std::uint8_t{31}};

/// Words of a set, in order, separated by spaces.
std::string to_string(scopes what);
std::vector<std::string> words(scopes what);
/// The scope of this word, nothing for another one.
std::optional<scope> scope_of(std::string_view word);

enum class credential : std::uint8_t { token, ticket, session };

struct identity {
  struct scopes scopes;
  credential kind = credential::token;
  std::string name;                    ///< of the person or token; may be empty
  bool came_with_access_token = false; ///< query `access_token`: the published client
  /// Number of the browser session or of the scoped token whose end is the end of this; 0: none.
  std::uint64_t session = 0;
  /// When the scoped token ends that this is or comes from; nothing: it does not.
  std::optional<std::chrono::system_clock::time_point> until = std::nullopt;
  bool may(struct scopes all) const { return scopes.has(all); }
};

/// A token with some scopes, as it is kept: its digest, never itself.
struct scoped_token {
  std::string id;   ///< `tok_…`
  std::string name; ///< for people; may be empty
  struct scopes scopes;
  std::array<std::uint8_t, 32> digest{}; ///< SHA-256
  std::chrono::system_clock::time_point created;
  std::optional<std::chrono::system_clock::time_point> until; ///< nothing: until it is revoked
};

struct auth_limits {
  std::chrono::seconds ticket_life{300};
  std::chrono::seconds session_life{12 * 3600};
  std::size_t max_tickets = 1'000;
  std::size_t max_sessions = 1'000;
  unsigned failures_per_minute = 10;  ///< of one address; more: 429
  std::size_t max_addresses = 10'000; ///< whose failures are counted
};

class authority {
public:
  using clock = std::function<std::chrono::steady_clock::time_point()>;
  using wall_clock = std::function<std::chrono::system_clock::time_point()>;

  /// `first` has every scope. `guard` decides which Origins a cookie may come with.
  authority(const log::secret& first, guard_policy guard, auth_limits limits = {},
            clock now = std::chrono::steady_clock::now,
            wall_clock wall = std::chrono::system_clock::now);

  /// Who sent this: `Authorization: Bearer`, the cookie of session_cookie() (with an own or listed
  /// Origin for WebSockets and unsafe methods), and for WebSockets only, which browsers open
  /// without a header, a query `access_token` or a query `ticket`, which is looked at and not used
  /// up. token_invalid, origin_refused, too_many_requests.
  result<identity> identify(const request& head, bool websocket);

  /// Whether it came with a token or a session that is good. Counts no failure.
  bool knows(const request& head);

  /// The same as identify for a WebSocket that is opened now: a one-time ticket is used up.
  result<identity> consume(const request& head);

  /// A ticket for these scopes; reusable while the daemon lives, or once within its life. The
  /// oldest one-time ticket is forgotten when there are too many. It ends with what `maker` is.
  std::string make_ticket(scopes what, bool reusable, const identity& maker = {});

  /// From now on this token is good. Its browser sessions and tickets end with it.
  void add_token(const scoped_token& what);
  /// From now on it is not, nor what came from it; their WebSockets are told.
  void drop_token(const scoped_token& what);

  /// Trades a ticket or a token for a browser session: the value of its Set-Cookie header. A
  /// session that the browser had before goes on as the new one.
  struct opened_session {
    identity who;
    std::string cookie;
  };
  result<opened_session> open_session(const request& head, const std::string& ticket,
                                      const std::string& token);
  /// Forgets the session of this request; the Set-Cookie header that clears it.
  std::string close_session(const request& head);

  /// Calls `ended` once, without a lock held, when that session or scoped token ends: closed, over,
  /// revoked, or pushed out.
  /// 0 when it has ended already: then `ended` is not called.
  std::uint64_t watch(std::uint64_t session, std::function<void()> ended);
  void forget(std::uint64_t watch);
  /// Ends the sessions and tokens whose time is over; when to look again, nothing without any.
  std::optional<std::chrono::steady_clock::time_point> expire();

private:
  class hold;
  using digest = std::array<std::uint8_t, 32>;
  struct entry {
    struct scopes scopes;
    std::string name;
    std::chrono::steady_clock::time_point until;
    bool reusable = false;
    std::uint64_t serial = 0; ///< age: grows with every entry
    std::uint64_t parent = 0; ///< serial of the scoped token that it comes from; 0: none
    std::optional<std::chrono::system_clock::time_point> until_wall = std::nullopt;
  };
  using table = std::map<digest, entry>;

  result<identity> look(const request& head, bool websocket, bool use_up);
  const entry* find(table& where, std::string_view secret);
  error refuse(const request& head, const char* why);
  bool too_many(const std::string& address);
  void forget_an_address();
  void sweep();
  bool over(const entry& what) const;
  table::iterator drop(table& where, table::iterator what);
  void end_children(std::uint64_t parent);
  void tell_end(std::uint64_t serial);
  void make_room(table& where, std::size_t most, bool keep_reusable);
  result<void> cookie_origin(const request& head, bool websocket) const;

  guard_policy guard_;
  auth_limits limits_;
  clock now_;
  wall_clock wall_;
  std::mutex mutex_;
  table tokens_;
  table tickets_;
  table sessions_;
  struct watcher {
    std::uint64_t session = 0;
    std::function<void()> ended;
  };
  std::map<std::uint64_t, watcher> watchers_;
  std::vector<std::function<void()>> ended_; ///< to be called when the lock is free
  std::uint64_t serial_ = 0;                 ///< of entries, sessions and watches
  std::map<std::string, std::deque<std::chrono::steady_clock::time_point>> failures_;
};

/// Name of the session's cookie: `holt_session_<port>` by the port of Host, since a browser sends
/// the cookies of a host to all of its ports; without a port `holt_session`.
std::string session_cookie(const request& head);

/// Value of one cookie in a Cookie header; empty when it is not there.
std::string_view cookie_value(std::string_view header, std::string_view name);

} // namespace holt::http
