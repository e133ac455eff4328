// SPDX-License-Identifier: Apache-2.0
#include "transport/guard.hpp"

#include "messages/text_bytes.hpp"
#include "transport/url.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace holt::http {

namespace {

error bad(std::string what) {
  return error{errc::invalid_request, std::move(what)};
}

bool token_char(char c) noexcept {
  constexpr std::string_view extra = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
         || extra.find(c) != std::string_view::npos;
}

bool token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), token_char);
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

bool list_has(std::string_view list, std::string_view word) {
  while (true) {
    const auto end = std::min(list.find(','), list.size());
    if (lower(trim(list.substr(0, end))) == word)
      return true;
    if (end == list.size())
      return false;
    list.remove_prefix(end + 1);
  }
}

struct fields_seen {
  std::optional<std::uint64_t> length;
  unsigned hosts = 0;
  unsigned transfer_encodings = 0;
  unsigned upgrades = 0;
  bool chunked = false;
  bool close = false;
  bool stay = false;
  bool expect = false;
};

result<void> note_field(fields_seen& seen, std::string_view name, std::string_view value) {
  const auto key = lower(name);
  if (key == "content-length") {
    std::uint64_t n = 0;
    const auto* end = value.data() + value.size();
    const auto [stop, ec] = std::from_chars(value.data(), end, n);
    // from_chars takes no sign for unsigned but a leading '+' is refused as well.
    if (value.empty() || ec != std::errc{} || stop != end)
      return bad("Content-Length must be one decimal number.");
    if (seen.length)
      return bad("More than one Content-Length.");
    seen.length = n;
  } else if (key == "transfer-encoding") {
    if (++seen.transfer_encodings > 1 || lower(value) != "chunked")
      return bad("The only Transfer-Encoding taken is exactly one \"chunked\".");
    seen.chunked = true;
  } else if (key == "host") {
    if (++seen.hosts > 1)
      return bad("More than one Host.");
    if (value.empty())
      return bad("Host is empty.");
  } else if (key == "connection") {
    seen.close = seen.close || list_has(value, "close");
    seen.stay = seen.stay || list_has(value, "keep-alive");
  } else if (key == "expect") {
    if (lower(value) != "100-continue")
      return bad("The only expectation taken is 100-continue.");
    seen.expect = true;
  }
  return {};
}

/// The version's last digit.
result<int> check_request_line(std::string_view line) {
  const auto first = line.find(' ');
  if (first == std::string_view::npos || first > 32 || !token(line.substr(0, first)))
    return bad("The request line must start with a method.");
  const auto second = line.find(' ', first + 1);
  if (second == std::string_view::npos)
    return bad("The request line has no version.");
  if (const auto target = url::parse_target(line.substr(first + 1, second - first - 1)); !target)
    return target.error();
  const auto version = line.substr(second + 1);
  if (version == "HTTP/1.1")
    return 1;
  if (version == "HTTP/1.0")
    return 0;
  return bad("The version must be HTTP/1.1 or HTTP/1.0.");
}

} // namespace

result<std::size_t> find_head(std::string_view received, const head_limits& limits) {
  const auto window = received.substr(0, std::min(received.size(), limits.bytes));
  const auto end = window.find("\r\n\r\n");
  const auto head = window.substr(0, end == std::string_view::npos ? window.size() : end + 4);
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (head[i] == '\n' && (i == 0 || head[i - 1] != '\r'))
      return bad("A header line ends without a carriage return.");
    if (head[i] == '\0')
      return bad("The header has a NUL byte.");
  }
  if (head.starts_with("\r\n"))
    return bad("The request starts with an empty line.");
  if (end != std::string_view::npos)
    return end + 4;
  if (received.size() >= limits.bytes)
    return error{errc::headers_too_large,
                 "The header is larger than " + std::to_string(limits.bytes) + " bytes."};
  return std::size_t{0};
}

result<framing> check_framing(std::string_view head, const head_limits& limits) {
  fields_seen seen;
  std::optional<int> minor;
  std::size_t count = 0;
  head.remove_suffix(std::min<std::size_t>(head.size(), 2)); // the blank line
  while (!head.empty()) {
    const auto end = head.find("\r\n");
    if (end == std::string_view::npos)
      return bad("A header line does not end.");
    const auto line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (!minor) {
      auto version = check_request_line(line);
      if (!version)
        return version.error();
      minor = *version;
      continue;
    }
    if (++count > limits.fields)
      return error{errc::headers_too_large,
                   "More than " + std::to_string(limits.fields) + " header fields."};
    if (line.empty() || line.front() == ' ' || line.front() == '\t')
      return bad("A folded header line (obsolete line folding) is not taken.");
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !token(line.substr(0, colon)))
      return bad("A header field has no proper name.");
    const auto value = trim(line.substr(colon + 1));
    for (const char c : value)
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f)
        return bad("A header value has a control character.");
    if (auto noted = note_field(seen, line.substr(0, colon), value); !noted)
      return noted.error();
  }
  if (!minor)
    return bad("There is no request line.");
  if (seen.hosts != 1)
    return bad("There is no Host.");
  if (seen.chunked && seen.length)
    return bad("Both Transfer-Encoding and Content-Length.");
  if (seen.chunked && *minor == 0)
    return bad("Transfer-Encoding in HTTP/1.0.");
  framing out;
  out.chunked = seen.chunked;
  out.content_length = seen.length.value_or(0);
  out.keep_alive = *minor == 1 ? !seen.close : seen.stay && !seen.close;
  out.expect_continue = seen.expect && *minor == 1;
  return out;
}

} // namespace holt::http
