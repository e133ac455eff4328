// SPDX-License-Identifier: Apache-2.0
#include "client/endpoint.hpp"

#include "transport/url.hpp"

namespace holt::client {

result<endpoint> parse_endpoint(const std::string& url, log::secret token) {
  const error bad{errc::usage, "'" + url + "' is not the address of a daemon; http://HOST:PORT is"};
  auto parts = url::parse_absolute(url);
  if (!parts || (parts->scheme != "http" && parts->scheme != "https") || !parts->userinfo.empty()
      || parts->target.find('?') != std::string::npos)
    return bad;
  endpoint out;
  out.url = url;
  out.host = parts->host;
  out.port = parts->port;
  out.prefix = parts->target;
  while (out.prefix.ends_with('/'))
    out.prefix.pop_back();
  out.token = std::move(token);
  const bool encrypted = parts->scheme == "https";
  if (encrypted) {
    auto trust = http::make_tls_client();
    if (!trust)
      return trust.error();
    out.tls = std::move(*trust);
  }
  auto via = http::choose_proxy(http::proxy_environment(), out.host, out.port, encrypted);
  if (!via)
    return via.error();
  // A proxy is asked for a tunnel, which many refuse to anything but TLS.
  if (encrypted)
    out.via = std::move(*via);
  return out;
}

} // namespace holt::client
