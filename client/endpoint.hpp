// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where a daemon is reached, as a plain value: its address, taken apart, and what is shown to it.
// Immutable after parse_endpoint(); holds no connection.

#include "transport/log.hpp"
#include "transport/proxy.hpp"
#include "transport/tls.hpp"

namespace holt::client {

struct endpoint {
  std::string url;                ///< as it was given, for people
  std::string host;               ///< address or name, without brackets
  std::uint16_t port = 0;         ///< of the daemon, or of what stands before it
  std::string prefix;             ///< in front of every route; empty, or `/a/b`
  http::tls_client_ptr tls;       ///< null: http
  std::optional<http::proxy> via; ///< of the environment; never for loopback
  log::secret token;
};

/// `http(s)://HOST[:PORT][/PREFIX]`. usage for anything else; config for a proxy that is none.
result<endpoint> parse_endpoint(const std::string& url, log::secret token);

} // namespace holt::client
