// SPDX-License-Identifier: Apache-2.0
#pragma once

// One channel on Supabase Realtime as a link_port: connection (ws or wss, system certificates,
// proxy, IPv6), heartbeat, join and rejoin, token refresh, presence, bounded outbox. The decisions
// are realtime_machine's; this file is its hands. Runs on a strand of the given executor.

#include "link/link_port.hpp"
#include "transport/log.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

namespace holt::link {

struct realtime_options {
  std::string url; ///< http(s)://host/realtime/v1 or ws(s)://…, without /websocket
  log::secret key; ///< apikey
  std::string session = "main";
  bool private_channel = false;
  /// Prints a fresh JWT; run in the connect path. Empty: the key is the token.
  std::string token_command;
  std::string proxy; ///< empty: HTTPS_PROXY, https_proxy, NO_PROXY of the environment
  std::string presence_key;
  link_limits limits{256'000, 40};
  std::size_t outbox_bytes = 8 * 1024 * 1024;
  std::size_t outbox_messages = 10'000;
  std::string ca_file;    ///< tests; empty: the system's
  std::uint64_t seed = 0; ///< of the jitter; 0: from the system
  unsigned hurry = 1;     ///< tests: every wait is divided by it
};

/// Starts at once and goes on until close(). invalid options: errc::config.
result<link_port_ptr> start_realtime_client(boost::asio::io_context& io,
                                            boost::asio::thread_pool& blocking,
                                            realtime_options how, link_events events);

} // namespace holt::link
