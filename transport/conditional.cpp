// SPDX-License-Identifier: Apache-2.0
#include "transport/conditional.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace holt::http {

namespace {

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

bool number(std::string_view text, std::uint64_t& out) noexcept {
  const auto* end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, out);
  return !text.empty() && ec == std::errc{} && stop == end;
}

bool is_unit_bytes(std::string_view text) noexcept {
  constexpr std::string_view unit = "bytes=";
  return text.size() > unit.size()
         && std::equal(unit.begin(), unit.end(), text.begin(), [](char want, char got) {
              return want == (got >= 'A' && got <= 'Z' ? static_cast<char>(got + 32) : got);
            });
}

} // namespace

byte_range select_range(std::string_view range, std::uint64_t size) noexcept {
  const byte_range whole{0, size, false, true};
  range = trimmed(range);
  if (!is_unit_bytes(range))
    return whole;
  range = trimmed(range.substr(6));
  const auto dash = range.find('-');
  if (dash == std::string_view::npos || range.find(',') != std::string_view::npos)
    return whole;
  const auto from = trimmed(range.substr(0, dash));
  const auto to = trimmed(range.substr(dash + 1));
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (from.empty()) { // the last n bytes
    if (!number(to, last))
      return whole;
    if (last == 0 || size == 0)
      return {0, 0, true, false};
    const auto length = std::min(last, size);
    return {size - length, length, true, true};
  }
  if (!number(from, first) || (!to.empty() && (!number(to, last) || last < first)))
    return whole;
  if (first >= size)
    return {0, 0, true, false};
  const auto end = to.empty() ? size - 1 : std::min(last, size - 1);
  return {first, end - first + 1, true, true};
}

bool etag_listed(std::string_view list, std::string_view etag, bool weak) noexcept {
  list = trimmed(list);
  if (list == "*")
    return true;
  while (!list.empty()) {
    const bool is_weak = list.starts_with("W/");
    if (is_weak)
      list.remove_prefix(2);
    if (list.empty() || list.front() != '"')
      return false;
    const auto end = list.find('"', 1);
    if (end == std::string_view::npos)
      return false;
    if (list.substr(0, end + 1) == etag && (weak || !is_weak))
      return true;
    list = trimmed(list.substr(end + 1));
    if (list.empty() || list.front() != ',')
      return false;
    list = trimmed(list.substr(1));
  }
  return false;
}

response file_response(const request& what, std::string_view etag, std::uint64_t size,
                       byte_range& picked) {
  response out;
  picked = {0, size, false, true};
  const std::vector<header> facts{{"ETag", std::string{etag}}, {"Accept-Ranges", "bytes"}};
  const auto known = what.header_value("If-None-Match");
  const auto wanted = what.header_value("If-Match");
  if (!wanted.empty() && !etag_listed(wanted, etag, false)) {
    out = problem({errc::conflict, "If-Match does not hold; the file has " + std::string{etag}},
                  {{"status", 412}});
    out.status = 412;
    return out;
  }
  if (!known.empty() && etag_listed(known, etag, true)) {
    out.status = 304;
    picked.length = 0;
    out.headers = facts;
    out.headers.push_back({"Cache-Control", "private, no-cache"});
    return out;
  }
  const auto unless = what.header_value("If-Range");
  if (unless.empty() || unless == etag)
    picked = select_range(what.header_value("Range"), size);
  if (!picked.satisfiable) {
    out = problem(
      {errc::invalid_request, "Range is not within the file's " + std::to_string(size) + " bytes"},
      {{"status", 416}});
    out.status = 416;
    out.headers.push_back({"Content-Range", "bytes */" + std::to_string(size)});
    return out;
  }
  out.headers = facts;
  out.headers.push_back({"Cache-Control", "private, no-cache"});
  if (picked.part) {
    out.status = 206;
    out.headers.push_back({"Content-Range", "bytes " + std::to_string(picked.first) + "-"
                                              + std::to_string(picked.first + picked.length - 1)
                                              + "/" + std::to_string(size)});
  }
  return out;
}

} // namespace holt::http
