// SPDX-License-Identifier: Apache-2.0
#include "transport/http_wire.hpp"

#include <algorithm>
#include <array>
#include <ctime>

namespace holt::http {

namespace {

bool same_name(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) {
           return lower(x) == lower(y);
         });
}

bool safe(const header& h) {
  constexpr std::string_view breaking{"\r\n\0", 3};
  if (h.name.empty() || h.name.find_first_of(breaking) != std::string::npos
      || h.name.find_first_of(": \t") != std::string::npos
      || h.value.find_first_of(breaking) != std::string::npos)
    return false;
  constexpr std::array<std::string_view, 4> ours{"Content-Length", "Transfer-Encoding",
                                                 "Connection", "Date"};
  return std::none_of(ours.begin(), ours.end(),
                      [&](std::string_view name) { return same_name(name, h.name); });
}

/// RFC 9110, section 5.6.7; made once a second and thread.
std::string_view date_now() {
  thread_local std::time_t made = 0;
  thread_local std::array<char, 40> text{};
  thread_local std::size_t size = 0;
  const auto now = std::time(nullptr);
  if (now != made || size == 0) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    made = now;
  }
  return {text.data(), size};
}

} // namespace

bool may_have_body(unsigned status) noexcept {
  return status >= 200 && status != 204 && status != 304;
}

std::string response_head(const response& what, const wire_options& how) {
  std::string out;
  out.reserve(384);
  out.append("HTTP/1.1 ").append(std::to_string(what.status)).append(" ");
  out.append(reason_phrase(what.status)).append("\r\nDate: ").append(date_now()).append("\r\n");
  bool cached = false;
  bool nosniff = false;
  for (const auto& h : what.headers) {
    if (!safe(h))
      continue;
    cached = cached || same_name(h.name, "Cache-Control");
    nosniff = nosniff || same_name(h.name, "X-Content-Type-Options");
    out.append(h.name).append(": ").append(h.value).append("\r\n");
  }
  if (!cached)
    out.append("Cache-Control: no-store\r\n");
  if (!nosniff)
    out.append("X-Content-Type-Options: nosniff\r\n");
  if (how.stream && how.chunked)
    out.append("Transfer-Encoding: chunked\r\n");
  else if (!how.stream && may_have_body(what.status))
    out.append("Content-Length: ")
      .append(std::to_string(what.body ? what.body->size() : how.file_length))
      .append("\r\n");
  out.append(how.keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
  return out;
}

std::string_view reason_phrase(unsigned status) noexcept {
  switch (status) {
  case 200: return "OK";
  case 201: return "Created";
  case 202: return "Accepted";
  case 204: return "No Content";
  case 206: return "Partial Content";
  case 301: return "Moved Permanently";
  case 302: return "Found";
  case 303: return "See Other";
  case 304: return "Not Modified";
  case 307: return "Temporary Redirect";
  case 308: return "Permanent Redirect";
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 406: return "Not Acceptable";
  case 408: return "Request Timeout";
  case 409: return "Conflict";
  case 410: return "Gone";
  case 412: return "Precondition Failed";
  case 413: return "Content Too Large";
  case 415: return "Unsupported Media Type";
  case 416: return "Range Not Satisfiable";
  case 421: return "Misdirected Request";
  case 422: return "Unprocessable Content";
  case 426: return "Upgrade Required";
  case 429: return "Too Many Requests";
  case 431: return "Request Header Fields Too Large";
  case 500: return "Internal Server Error";
  case 501: return "Not Implemented";
  case 502: return "Bad Gateway";
  case 503: return "Service Unavailable";
  case 504: return "Gateway Timeout";
  case 507: return "Insufficient Storage";
  default: return "Status";
  }
}

} // namespace holt::http
