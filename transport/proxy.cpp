// SPDX-License-Identifier: Apache-2.0
#include "transport/proxy.hpp"

#include "transport/url.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <algorithm>
#include <cstdlib>

namespace holt::http {

namespace ip = boost::asio::ip;
using boost::system::error_code;

namespace {

std::string variable(const char* lower, const char* upper) {
  for (const auto* const name : {lower, upper})
    if (name)
      if (const char* value = std::getenv(name); value && *value)
        return value;
  return {};
}

std::string lowered(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  if (out.ends_with('.'))
    out.pop_back();
  return out;
}

std::string base64(std::string_view text) {
  constexpr std::string_view digits
    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k > text.size() ? '=' : digits[bits >> (18 - 6 * k) & 63u];
  }
  return out;
}

bool in_network(std::string_view network, const ip::address& host) {
  error_code ec;
  if (host.is_v4()) {
    const auto net = ip::make_network_v4(std::string{network}, ec);
    return !ec && (host.to_v4().to_uint() & net.netmask().to_uint()) == net.network().to_uint();
  }
  const auto net = ip::make_network_v6(std::string{network}, ec);
  return !ec && ip::network_v6{host.to_v6(), net.prefix_length()}.canonical() == net.canonical();
}

bool matches(std::string_view entry, const std::string& host,
             const std::optional<ip::address>& address) {
  if (entry == "*")
    return true;
  if (entry.starts_with('[') && entry.ends_with(']'))
    entry = entry.substr(1, entry.size() - 2);
  if (address) {
    error_code ec;
    const auto other = ip::make_address(std::string{entry}, ec);
    return ec ? entry.find('/') != std::string_view::npos && in_network(entry, *address)
              : other == *address;
  }
  if (entry.starts_with("*."))
    entry.remove_prefix(1);
  auto name = lowered(entry);
  if (name.starts_with('.'))
    name.erase(0, 1);
  return !name.empty() && (host == name || host.ends_with("." + name));
}

} // namespace

proxy_settings proxy_environment() {
  const auto all = variable("all_proxy", "ALL_PROXY");
  proxy_settings out;
  out.https = variable("https_proxy", "HTTPS_PROXY");
  out.http = variable("http_proxy", nullptr);
  out.none = variable("no_proxy", "NO_PROXY");
  if (out.https.empty())
    out.https = all;
  if (out.http.empty())
    out.http = all;
  return out;
}

result<proxy> parse_proxy(std::string_view url) {
  const auto text
    = url.find("://") == std::string_view::npos ? "http://" + std::string{url} : std::string{url};
  const auto parsed = url::parse_absolute(text);
  // The text is not shown: it may hold a password.
  if (!parsed)
    return error{errc::config, "The address of the proxy is malformed."};
  if (parsed->scheme != "http")
    return error{errc::config,
                 "The proxy must be an http:// one; " + parsed->scheme + ":// is not offered."};
  proxy out;
  out.host = parsed->host;
  out.port = parsed->port;
  if (!parsed->userinfo.empty()) {
    const auto user = url::percent_decode(parsed->userinfo);
    if (!user)
      return error{errc::config, "The credentials of the proxy are malformed."};
    out.authorization = "Basic " + base64(*user);
  }
  return out;
}

bool bypassed(std::string_view none, std::string_view target, std::uint16_t port) {
  const auto host = lowered(target);
  error_code ec;
  const auto parsed = ip::make_address(host, ec);
  const auto address = ec ? std::optional<ip::address>{} : parsed;
  while (!none.empty()) {
    const auto end = std::min(none.find_first_of(", \t"), none.size());
    auto entry = none.substr(0, end);
    none.remove_prefix(std::min(end + 1, none.size()));
    const auto colon = entry.rfind(':');
    const bool one_colon = colon != std::string_view::npos
                           && (entry.find(':') == colon || (colon > 0 && entry[colon - 1] == ']'));
    if (one_colon) {
      if (entry.substr(colon + 1) != std::to_string(port))
        continue;
      entry = entry.substr(0, colon);
    }
    if (!entry.empty() && matches(entry, host, address))
      return true;
  }
  return false;
}

result<std::optional<proxy>> choose_proxy(const proxy_settings& from, std::string_view host,
                                          std::uint16_t port, bool tls) {
  const auto& url = tls ? from.https : from.http;
  error_code ec;
  const auto address = ip::make_address(std::string{host}, ec);
  const auto name = lowered(host);
  const bool loopback
    = ec ? name == "localhost" || name.ends_with(".localhost") : address.is_loopback();
  if (url.empty() || loopback || bypassed(from.none, host, port))
    return std::optional<proxy>{};
  auto out = parse_proxy(url);
  if (!out)
    return out.error();
  return std::optional<proxy>{std::move(*out)};
}

} // namespace holt::http
