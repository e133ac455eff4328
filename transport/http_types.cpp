// SPDX-License-Identifier: Apache-2.0
#include "transport/http_types.hpp"

#include "transport/url.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace holt::http {

namespace {

bool same_name(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) {
           return lower(x) == lower(y);
         });
}

/// The codes that clients of the sandbox-agent API know under their own URN.
constexpr std::array<std::string_view, 12> known_codes{
  "app_not_found",
  "conflict",
  "desktop_invalid_action",
  "desktop_runtime_inactive",
  "invalid_request",
  "no_focused_window",
  "not_found",
  "session_not_found",
  "stream_error",
  "token_invalid",
  "unsupported_agent",
  "window_not_found",
};

std::string urn(std::string_view word) {
  const bool known = std::find(known_codes.begin(), known_codes.end(), word) != known_codes.end();
  std::string out = known ? "urn:sandbox-agent:error:" : "urn:holt:error:";
  return out.append(word);
}

std::string title_case(std::string_view word) {
  std::string out;
  bool start = true;
  for (const char c : word) {
    if (c == '_')
      out += ' ';
    else
      out += start && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    start = c == '_';
  }
  return out;
}

response with_body(unsigned status, const char* type, const nlohmann::json& body) {
  response out;
  out.status = status;
  out.headers.push_back({"Content-Type", type});
  // Outside bytes may have reached a string: never throw for them.
  out.body = std::make_shared<const std::string>(
    body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return out;
}

} // namespace

std::string_view request::header_value(std::string_view name) const noexcept {
  for (const auto& h : headers)
    if (same_name(h.name, name))
      return h.value;
  return {};
}

std::optional<std::string_view> request::query_value(std::string_view name) const noexcept {
  for (const auto& [key, value] : query)
    if (key == name)
      return std::string_view{value};
  return std::nullopt;
}

result<std::vector<std::string>> request::segments() const {
  return url::segments(path);
}

response json_response(unsigned status, const nlohmann::json& body) {
  return with_body(status, "application/json", body);
}

response problem(const error& what) {
  return problem(what, nlohmann::json::object());
}

response problem(const error& what, const nlohmann::json& extra) {
  const auto& row = info(what.code);
  nlohmann::json body{
    {"type", urn(row.word)},
    {"title", title_case(row.word)},
    {"status", row.http},
    {"detail", what.detail.empty() ? std::string{row.sentence} : what.detail},
    {"code", row.word},
  };
  if (extra.is_object())
    body.update(extra);
  auto out = with_body(row.http, "application/problem+json", body);
  if (row.http == 401)
    out.headers.push_back({"WWW-Authenticate", "Bearer"});
  return out;
}

} // namespace holt::http
