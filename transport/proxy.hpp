// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which HTTP proxy a client's connection goes through, by option or by the environment's variables
// (HTTPS_PROXY, NO_PROXY …), as curl and Go read them. Pure but for proxy_environment().

#include "messages/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holt::http {

struct proxy {
  std::string host;
  std::uint16_t port = 0;
  std::string authorization; ///< `Basic …` or empty; a secret
};

struct proxy_settings {
  std::string https; ///< for wss and https
  std::string http;  ///< for ws and http
  std::string none;  ///< NO_PROXY
};

/// Of this process: lower case wins over upper case; HTTP_PROXY counts in lower case only, since
/// a CGI server sets the other from a request's header; ALL_PROXY fills what is missing.
proxy_settings proxy_environment();

/// `http://[user:password@]host[:port]`, also without the scheme. config for anything else, a
/// proxy that speaks TLS or SOCKS itself included.
result<proxy> parse_proxy(std::string_view url);

/// Whether NO_PROXY names the host: `*`, names with their subdomains, addresses, networks
/// (`10.0.0.0/8`), each also with `:port`.
bool bypassed(std::string_view none, std::string_view host, std::uint16_t port);

/// The proxy of the settings for this target; none for a loopback address or name.
result<std::optional<proxy>> choose_proxy(const proxy_settings& from, std::string_view host,
                                          std::uint16_t port, bool tls);

} // namespace holt::http
