// SPDX-License-Identifier: Apache-2.0
#pragma once

// A Supabase Realtime of our own for one machine: topics, broadcast, presence, HTTP broadcast, keys
// and the mailbox of `sandbox:*`. One object for the daemon's life; calls are thread-safe. Sockets
// come from the gateway as upgrades; the daemon itself joins in process (join_local). A slow member
// is closed, never waited for.

#include "link/link_port.hpp"
#include "transport/http_types.hpp"
#include "transport/log.hpp"

#include <boost/asio/io_context.hpp>

namespace holt::broker {

struct broker_options {
  log::secret jwt_secret;               ///< HS256; of the state folder, or `broker.jwt_secret`
  bool any_key = false;                 ///< development: a key that is not ours is an app key
  std::string mailbox_file;             ///< SQLite; empty: in memory
  std::size_t mailbox_messages = 1'000; ///< per topic
  std::uint64_t mailbox_bytes = 64ull << 20;
  std::chrono::hours mailbox_age{24};
  std::size_t max_payload = 900'000;
  std::size_t max_members = 4'096;
  std::size_t channels_per_socket = 100;
  unsigned messages_per_second = 0; ///< per socket; 0: unlimited
  unsigned joins_per_second = 100;  ///< per socket; 0: unlimited
  unsigned presence_calls = 5;      ///< track and untrack, per join and 30 s; 0: unlimited
  std::size_t outbox_bytes = 4 * 1024 * 1024;
  std::chrono::milliseconds idle_timeout{60'000};
  bool mimic_kind4 = false; ///< send JSON broadcasts to v2 sockets as kind 4
};

struct broker_stats {
  std::size_t sockets = 0;
  std::size_t members = 0;
  std::size_t topics = 0;
  std::uint64_t received = 0;
  std::uint64_t delivered = 0;
  std::uint64_t slow_closed = 0;
  std::uint64_t mailbox_stored = 0;
};

class broker {
public:
  static result<std::shared_ptr<broker>> make(boost::asio::io_context& io, broker_options how);
  virtual ~broker() = default;

  /// A WebSocket at …/websocket.
  virtual void handle_upgrade(http::upgrade_ptr what) = 0;
  /// …/api/broadcast, …/api/broadcast/{topic}/events/{event}, …/api/ping, OPTIONS of both.
  virtual void handle(http::request what, http::reply answer) = 0;

  /// Whether a request, also for a WebSocket, came with a key that is good.
  virtual bool knows(const http::request& head) const = 0;

  /// The daemon as a member of `sandbox:{session}`; on_up follows.
  virtual link::link_port_ptr join_local(const std::string& session, link::link_events events) = 0;

  /// Keys (JWT): agents of one session, the daemon, apps (every topic but sandbox:*).
  virtual std::string agent_key(const std::string& session) const = 0;
  virtual std::string daemon_key() const = 0;
  virtual std::string app_key() const = 0;

  /// Takes sockets again after close_all().
  virtual void open() = 0;
  /// Closes every socket with 1012 and refuses new ones until open(); `done` once they are gone or
  /// after 1 s.
  virtual void close_all(std::function<void()> done) = 0;
  virtual broker_stats stats() const = 0;
};

} // namespace holt::broker
