// SPDX-License-Identifier: Apache-2.0
#include "transport/guard.hpp"

#include "messages/text_bytes.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace holt::http {

namespace {

struct authority_parts {
  std::string name; ///< lower case; IPv6 keeps its brackets
  std::string port; ///< digits, or empty
};

/// `name[:port]` with nothing else: no userinfo, no trailing dot, no empty label, no zone.
std::optional<authority_parts> split_authority(std::string_view text) {
  authority_parts out;
  std::string_view rest;
  if (!text.empty() && text.front() == '[') {
    const auto end = text.find(']');
    if (end == std::string_view::npos)
      return std::nullopt;
    const auto inside = text.substr(1, end - 1);
    if (inside.empty()
        || inside.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos)
      return std::nullopt;
    out.name = lower(text.substr(0, end + 1));
    rest = text.substr(end + 1);
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    out.name = lower(text.substr(0, colon));
    rest = text.substr(colon);
    if (out.name.empty() || out.name.front() == '.' || out.name.back() == '.'
        || out.name.find("..") != std::string::npos
        || out.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._")
             != std::string::npos)
      return std::nullopt;
  }
  if (rest.empty())
    return out;
  rest.remove_prefix(1);
  unsigned port = 0;
  const auto [stop, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), port);
  if (rest.empty() || text[text.size() - rest.size() - 1] != ':' || ec != std::errc{}
      || stop != rest.data() + rest.size() || port == 0 || port > 65535 || rest.front() == '0')
    return std::nullopt;
  out.port = std::string{rest};
  return out;
}

/// `scheme://name[:port]`, default ports dropped; what a browser sends and nothing else.
std::optional<std::string> normal_origin(std::string_view text) {
  const auto mark = text.find("://");
  if (mark == std::string_view::npos)
    return std::nullopt;
  const auto scheme = lower(text.substr(0, mark));
  if (scheme != "http" && scheme != "https")
    return std::nullopt;
  auto parts = split_authority(text.substr(mark + 3));
  if (!parts)
    return std::nullopt;
  if (parts->port == (scheme == "http" ? "80" : "443"))
    parts->port.clear();
  return scheme + "://" + parts->name + (parts->port.empty() ? "" : ":" + parts->port);
}

bool star(const std::vector<std::string>& list) {
  return std::find(list.begin(), list.end(), "*") != list.end();
}

} // namespace

result<void> check_host(const guard_policy& policy, std::string_view host) {
  const error refused{errc::host_refused,
                      "The Host of this request is not on the list http.allowed_hosts."};
  const auto asked = split_authority(host);
  if (!asked)
    return refused;
  if (policy.loopback
      && (asked->name == "127.0.0.1" || asked->name == "localhost" || asked->name == "[::1]"))
    return {};
  if (star(policy.allowed_hosts))
    return {};
  for (const auto& entry : policy.allowed_hosts) {
    const auto allowed = split_authority(entry);
    if (allowed && allowed->name == asked->name
        && (allowed->port.empty() || allowed->port == asked->port))
      return {};
  }
  if (policy.own_name && policy.own_name(asked->name))
    return {};
  return refused;
}

result<origin_kind> check_origin(const guard_policy& policy, std::string_view path,
                                 std::string_view host, std::string_view origin) {
  if (origin.empty())
    return origin_kind::absent;
  if (policy.origin_exempt && policy.origin_exempt(path))
    return origin_kind::exempt;
  const error refused{errc::origin_refused,
                      "The page's origin is not on the list http.allowed_origins."};
  const auto asked = normal_origin(origin);
  if (!asked)
    return refused;
  // A proxy that ends TLS in front leaves the Host: both schemes of it are the same place.
  if (asked == normal_origin("http://" + std::string{host})
      || asked == normal_origin("https://" + std::string{host}))
    return origin_kind::same;
  for (const auto& entry : policy.allowed_origins)
    if (asked == normal_origin(entry))
      return origin_kind::listed;
  if (star(policy.allowed_origins))
    return origin_kind::any;
  return refused;
}

std::vector<header> cors_headers(origin_kind kind, std::string_view origin) {
  if (kind == origin_kind::exempt)
    return {{"Access-Control-Allow-Origin", "*"}};
  std::vector<header> out{{"Vary", "Origin"}};
  if (kind == origin_kind::listed || kind == origin_kind::any) {
    out.push_back({"Access-Control-Allow-Origin", std::string{origin}});
    // A page that the list names may send the cookie of a browser session, any other only a token.
    if (kind == origin_kind::listed)
      out.push_back({"Access-Control-Allow-Credentials", "true"});
    out.push_back({"Access-Control-Expose-Headers",
                   "Content-Disposition, Content-Range, ETag, Holt-Area, Holt-Frame, "
                   "Holt-Settled, Holt-Size, Holt-Truncated, Holt-Unreadable, Location, "
                   "Retry-After"});
  }
  return out;
}

bool is_preflight(const request& what) noexcept {
  return what.method == "OPTIONS" && !what.header_value("Origin").empty()
         && !what.header_value("Access-Control-Request-Method").empty();
}

response preflight(origin_kind kind, const request& what) {
  response out;
  out.status = 204;
  out.headers = cors_headers(kind, what.header_value("Origin"));
  out.headers.push_back(
    {"Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"});
  // The wildcard does not cover Authorization: name what was asked for.
  const auto asked = what.header_value("Access-Control-Request-Headers");
  out.headers.push_back({"Access-Control-Allow-Headers",
                         asked.empty() ? "Authorization, Content-Type" : std::string{asked}});
  out.headers.push_back({"Access-Control-Max-Age", "600"});
  return out;
}

} // namespace holt::http
