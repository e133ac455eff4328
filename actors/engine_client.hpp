// SPDX-License-Identifier: Apache-2.0
#pragma once

// The stream engine's HTTP API as neko v3 defines it (reference/neko.md, part II.6): an account per
// viewer, made and deleted; control given and reset; health. The same for neko and for holt-stream.
// Every call answers once, on any thread, within its time limit. Holds no state but the address.

#include "messages/error.hpp"
#include "transport/log.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace holt {

/// Where an engine listens, and the key to its administration.
struct engine_address {
  std::uint16_t port = 0; ///< on 127.0.0.1
  log::secret api_token;
};

struct engine_account {
  std::string id; ///< of member and session
  log::secret token;
};

struct engine_profile {
  std::string name;
  bool may_drive = false;
  bool dom_wheel = false; ///< sends DOM pixels instead of clicks
};

class engine_client {
public:
  template <class T>
  using answer = std::function<void(result<T>)>;

  engine_client(boost::asio::io_context::executor_type executor, engine_address where,
                std::chrono::milliseconds timeout = std::chrono::seconds{4});

  const engine_address& address() const noexcept { return where_; }

  /// Makes a member of its own and logs it in. engine_no_answer or engine_unavailable.
  void make_account(const engine_profile& profile, answer<engine_account> done) const;
  /// Ends its socket, login, session and media.
  void drop_account(const std::string& id, answer<void> done) const;
  void give_control(const std::string& session, answer<void> done) const;
  void reset_control(answer<void> done) const;
  /// The engine serves; errc::engine_no_answer with what it said otherwise.
  void health(std::chrono::milliseconds timeout, answer<void> done) const;
  /// Prometheus text.
  void metrics(answer<std::string> done) const;
  /// Number of sessions that exist.
  void session_count(answer<std::size_t> done) const;

private:
  struct reply {
    unsigned status = 0;
    std::string body;
  };
  void call(const std::string& method, const std::string& target, const std::string& body,
            bool admin, std::chrono::milliseconds timeout, answer<reply> done) const;
  void command(const std::string& method, const std::string& target, answer<void> done) const;

  boost::asio::io_context::executor_type executor_;
  engine_address where_;
  std::chrono::milliseconds timeout_;
};

using engine_client_ptr = std::shared_ptr<const engine_client>;

} // namespace holt
