// SPDX-License-Identifier: Apache-2.0
#include "actors/query_fields.hpp"

#include "transport/whole_number.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <cmath>

namespace holt {

namespace {

template <class T>
bool parse(std::string_view text, T& value) {
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc{} && end == text.data() + text.size();
}

} // namespace

result<std::optional<int>> query_number(const http::request& request, std::string_view name,
                                        int min, int max) {
  auto text = request.query_value(name);
  if (!text)
    return std::optional<int>{};
  const auto value = whole_number<long long>(*text);
  if (!value)
    return error{errc::invalid_request, std::string{name} + " must be a whole number"};
  if (*value < min || *value > max)
    return error{errc::desktop_invalid_action, std::string{name} + " must be between "
                                                 + std::to_string(min) + " and "
                                                 + std::to_string(max)};
  return std::optional{static_cast<int>(*value)};
}

result<std::optional<double>> query_fraction(const http::request& request, std::string_view name,
                                             double min, double max) {
  auto text = request.query_value(name);
  if (!text)
    return std::optional<double>{};
  double value = 0;
  if (!parse(*text, value) || !std::isfinite(value))
    return error{errc::invalid_request, std::string{name} + " must be a number"};
  if (value < min || value > max) {
    char bounds[64];
    std::snprintf(bounds, sizeof bounds, " must be between %.1f and %.1f", min, max);
    return error{errc::desktop_invalid_action, std::string{name} + bounds};
  }
  return std::optional{value};
}

result<bool> query_flag(const http::request& request, std::string_view name) {
  auto text = request.query_value(name);
  if (!text || *text == "false" || *text == "0")
    return false;
  if (*text == "true" || *text == "1")
    return true;
  return error{errc::invalid_request, std::string{name} + " must be true or false"};
}

http::response named_not_found(std::string_view word, const std::string& detail) {
  std::string title{word};
  bool start = true;
  for (auto& c : title) {
    if (start && c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 32);
    start = c == '_';
    if (start)
      c = ' ';
  }
  return http::problem(
    {errc::not_found, detail},
    {{"type", "urn:sandbox-agent:error:" + std::string{word}}, {"title", title}, {"code", word}});
}

http::response window_problem(const error& why) {
  return why.code == errc::not_found ? named_not_found("window_not_found", why.detail)
                                     : http::problem(why);
}

result<std::uint32_t> window_id(std::string_view text) {
  const auto value = whole_number<std::uint32_t>(text);
  if (!value)
    return error{errc::not_found, "Window " + std::string{text} + " not found"};
  return *value;
}

} // namespace holt
