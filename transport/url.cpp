// SPDX-License-Identifier: Apache-2.0
#include "transport/url.hpp"

#include "messages/text_bytes.hpp"

#include <algorithm>

namespace holt::url {

namespace {

error bad(const char* what) {
  return error{errc::invalid_request, what};
}

} // namespace

result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size())
        return bad("A percent escape in the target is cut off.");
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0)
        return bad("A percent escape in the target is not hexadecimal.");
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                       || c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto piece = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (piece.empty())
      continue;
    const auto equals = std::min(piece.find('='), piece.size());
    auto name = percent_decode(piece.substr(0, equals), true);
    if (!name)
      return name.error();
    auto value = percent_decode(piece.substr(std::min(equals + 1, piece.size())), true);
    if (!value)
      return value.error();
    out.emplace_back(std::move(*name), std::move(*value));
  }
  return out;
}

result<target> parse_target(std::string_view text) {
  if (text.empty() || text.front() != '/')
    return bad("The request target must be a path that starts with a slash.");
  for (const char c : text)
    if (c < 0x21 || c > 0x7e || c == '#' || c == '\\')
      return bad("The request target has a character that must be percent-encoded.");
  const auto mark = std::min(text.find('?'), text.size());
  auto query = parse_query(text.substr(std::min(mark + 1, text.size())));
  if (!query)
    return query.error();
  return target{std::string{text.substr(0, mark)}, std::move(*query)};
}

result<absolute> parse_absolute(std::string_view text) {
  for (const char c : text)
    if (c < 0x21 || c > 0x7e || c == '#' || c == '\\')
      return bad("The URL has a character that must be percent-encoded, or a fragment.");
  const auto colon = text.find("://");
  if (colon == std::string_view::npos)
    return bad("The URL has no scheme.");
  absolute out;
  for (const char c : text.substr(0, colon))
    out.scheme += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (out.scheme == "http" || out.scheme == "ws")
    out.port = 80;
  else if (out.scheme == "https" || out.scheme == "wss")
    out.port = 443;
  else
    return bad("The URL's scheme is none of http, https, ws and wss.");
  text.remove_prefix(colon + 3);
  const auto end = std::min(text.find_first_of("/?"), text.size());
  auto where = text.substr(0, end);
  out.target = text.substr(end);
  if (!out.target.starts_with('/'))
    out.target.insert(0, "/");
  if (const auto at = where.rfind('@'); at != std::string_view::npos) {
    out.userinfo = where.substr(0, at);
    where.remove_prefix(at + 1);
  }
  std::string_view port;
  if (where.starts_with('[')) {
    const auto close = where.find(']');
    if (close == std::string_view::npos)
      return bad("The URL's IPv6 address has no closing bracket.");
    out.host = where.substr(1, close - 1);
    if (out.host.find(':') == std::string::npos
        || out.host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos)
      return bad("The URL's IPv6 address is malformed.");
    port = where.substr(close + 1);
    if (!port.empty() && port.front() != ':')
      return bad("The URL's host is malformed.");
  } else {
    const auto at = std::min(where.find(':'), where.size());
    out.host = where.substr(0, at);
    port = where.substr(at);
  }
  for (char& c : out.host) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    const bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'
                      || c == '_' || c == ':';
    if (!fine)
      return bad("The URL's host has a character that no host name has.");
  }
  if (out.host.empty() || out.host.size() > 255)
    return bad("The URL has no host, or one that is too long.");
  if (port.size() > 1) {
    unsigned number = 0;
    for (const char c : port.substr(1)) {
      if (c < '0' || c > '9' || port.size() > 6)
        return bad("The URL's port is no number.");
      number = number * 10 + static_cast<unsigned>(c - '0');
    }
    if (number == 0 || number > 65'535)
      return bad("The URL's port is out of range.");
    out.port = static_cast<std::uint16_t>(number);
  }
  return out;
}

result<std::vector<std::string>> segments(std::string_view path) {
  std::vector<std::string> out;
  if (!path.empty() && path.front() == '/')
    path.remove_prefix(1);
  if (path.empty())
    return out;
  while (true) {
    const auto end = std::min(path.find('/'), path.size());
    auto piece = percent_decode(path.substr(0, end));
    if (!piece)
      return piece.error();
    if (piece->find('\0') != std::string::npos || piece->find('/') != std::string::npos
        || piece->find('\\') != std::string::npos)
      return bad("The path has an encoded NUL, slash or backslash.");
    if (*piece == "." || *piece == "..")
      return bad("The path has a dot segment.");
    out.push_back(std::move(*piece));
    if (end == path.size())
      return out;
    path.remove_prefix(end + 1);
  }
}

bool valid_utf8(std::string_view text) noexcept {
  return well_formed_utf8(text);
}

} // namespace holt::url
