// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the connections of one listener share: options, counters, the registry of live connections
// and their places. Internal to transport/ (listener, http_session, ws_server).
// Thread-safe; holds no socket; never calls out while it holds its lock.

#include "transport/listener.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <unordered_map>

namespace holt::http {

using strand_type = boost::asio::strand<boost::asio::io_context::executor_type>;
using socket_type = boost::asio::basic_stream_socket<boost::asio::ip::tcp, strand_type>;
using timer_type = boost::asio::basic_waitable_timer<
  std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, strand_type>;

/// One live connection, as the registry sees it. Both calls are thread-safe.
class connection {
public:
  virtual ~connection() = default;
  virtual void stop(std::uint16_t ws_code, std::string reason) = 0; ///< end in order
  virtual void abort() = 0;                                         ///< end now
};

class http_core;

/// A connection's place in the registry; given back on destruction.
class place {
public:
  place(std::shared_ptr<http_core> core, std::uint64_t id, boost::asio::ip::address peer);
  place(const place&) = delete;
  place& operator=(const place&) = delete;
  ~place();
  /// It does not count as unauthenticated any more. Idempotent.
  void authenticated();
  void websocket(); ///< it became a WebSocket
  /// It was answered and waits for another request: while it is not authenticated it may be closed
  /// to make room for a newcomer.
  void waiting(bool now);
  void attach(std::weak_ptr<connection> who);
  http_core& core() const { return *core_; }

private:
  std::shared_ptr<http_core> core_;
  std::uint64_t id_;
  boost::asio::ip::address peer_;
  std::uint64_t waiting_ = 0; ///< its number among those that wait; 0: it does not
  bool authenticated_ = false;
  bool websocket_ = false;
};

class http_core : public std::enable_shared_from_this<http_core> {
public:
  http_core(boost::asio::io_context& io, listener_options options, std::shared_ptr<service> what);

  /// Null when a limit forbids one more connection. Where the limit is that of strangers, the one
  /// that waits longest without a request is closed instead.
  std::unique_ptr<place> take(const boost::asio::ip::address& peer);
  std::vector<std::shared_ptr<connection>> live() const;
  void when_empty(std::function<void()> call); ///< posted once there is no connection; may be null
  listener_stats stats() const;
  void count_request(unsigned status);

  const listener_options options;
  const std::shared_ptr<service> app;
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> bytes_out{0};
  std::atomic<bool> stopping{false};

private:
  friend class place;
  void notify_if_empty_locked();
  std::shared_ptr<connection>
  longest_waiting_locked(const std::function<bool(const boost::asio::ip::address&)>& fits);

  boost::asio::io_context& io_;
  mutable std::mutex mutex_;
  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, std::weak_ptr<connection>> live_;
  std::map<boost::asio::ip::address, unsigned> unauthenticated_by_address_;
  struct waiter {
    std::uint64_t id = 0;
    boost::asio::ip::address peer;
  };
  std::map<std::uint64_t, waiter> waiting_; ///< not authenticated and idle, longest first
  std::uint64_t last_waiting_ = 0;
  std::function<void()> when_empty_;
  std::size_t unauthenticated_ = 0;
  std::size_t websockets_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t refused_ = 0;
  std::array<std::atomic<std::uint64_t>, 600> by_status_{};
};

} // namespace holt::http
