// SPDX-License-Identifier: Apache-2.0

// holt token create, list, revoke: tokens that may do a part of it, for a time.

#include "app/verb_token.hpp"

#include "app/verb_tools.hpp"
#include "transport/tokens.hpp"
#include "transport/url.hpp"

#include <charconv>
#include <iostream>

namespace holt {

namespace {

using nlohmann::json;

/// `90`, `90s`, `15m`, `24h`, `30d`: seconds. Nothing for anything else.
std::optional<std::int64_t> read_span(const std::string& text) {
  std::int64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, number);
  if (ec != std::errc{} || number < 1 || number > http::max_token_seconds)
    return std::nullopt;
  const std::string_view unit{stop, static_cast<std::size_t>(end - stop)};
  const std::int64_t scale = unit.empty() || unit == "s" ? 1
                             : unit == "m"               ? 60
                             : unit == "h"               ? 3'600
                             : unit == "d"               ? 86'400
                                                         : 0;
  if (scale == 0 || number > http::max_token_seconds / scale)
    return std::nullopt;
  return number * scale;
}

json scope_list(const std::string& text) {
  json out = json::array();
  for (std::size_t from = 0; from <= text.size();) {
    const auto end = std::min(text.find(',', from), text.size());
    out.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

std::string words_of(const json& token) {
  std::string out;
  for (const auto& one : token.value("scopes", json::array()))
    out += (out.empty() ? "" : ",") + one.get<std::string>();
  return out;
}

} // namespace

token_options& token_wish() {
  static token_options out;
  return out;
}

int verb_token_create(const command_line& line) {
  const auto& wish = token_wish();
  json body{{"scopes", scope_list(wish.scopes)}};
  if (!wish.name.empty())
    body["name"] = wish.name;
  if (!wish.expires.empty()) {
    const auto seconds = read_span(wish.expires);
    if (!seconds)
      return complain({errc::usage, "--expires takes a number with s, m, h or d, as 24h"});
    body["expiresIn"] = *seconds;
  }
  return call_and_show(line, "POST", "/v1/tokens", body, [](const json& got) {
    std::cout << got.value("token", "") << std::endl;
    std::cerr << got.value("id", "") << " may " << words_of(got)
              << (got.contains("expiresAt") ? " until " + got.value("expiresAt", "")
                                            : ", until it is revoked")
              << "; it is shown this once" << std::endl;
  });
}

int verb_token_list(const command_line& line) {
  return call_and_show(line, "GET", "/v1/tokens", nullptr, [](const json& got) {
    for (const auto& one : got.value("tokens", json::array()))
      std::cout << one.value("id", "") << "  " << words_of(one) << "  "
                << one.value("expiresAt", "no end") << "  " << harmless(one.value("name", ""))
                << "\n";
    std::cout << std::flush;
  });
}

int verb_token_revoke(const command_line& line) {
  return call_and_show(line, "DELETE", "/v1/tokens/" + url::percent_encode(token_wish().name),
                       nullptr, [](const json&) {});
}

} // namespace holt
