// SPDX-License-Identifier: Apache-2.0
#include "messages/json_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace holt::json_text {

namespace {

/// Bytes that a string passes over without a look: not a quote, a backslash, a control or a byte
/// above ASCII.
constexpr auto plain_bytes = [] {
  std::array<bool, 256> out{};
  for (std::size_t i = 0x20; i < 0x80; ++i)
    out[i] = i != '"' && i != '\\';
  return out;
}();

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

constexpr int hex_digit(char c) noexcept {
  if (is_digit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/// Eight bytes at once: whether all of them are plain.
bool all_plain(const char* at) noexcept {
  std::uint64_t w = 0;
  std::memcpy(&w, at, sizeof(w));
  constexpr std::uint64_t ones = 0x0101010101010101ull;
  constexpr std::uint64_t highs = 0x8080808080808080ull;
  const auto zero_in = [](std::uint64_t v) { return (v - ones) & ~v & highs; };
  const auto control = (w - ones * 0x20) & ~w & highs; // a byte below 0x20
  return ((w & highs) | control | zero_in(w ^ (ones * '"')) | zero_in(w ^ (ones * '\\'))) == 0;
}

/// Length of the well-formed UTF-8 sequence at the front of `t`; 0 when it is none.
std::size_t utf8_length(std::string_view t) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(t[i]); };
  const auto tail = [&](std::size_t i) { return i < t.size() && (byte(i) & 0xC0) == 0x80; };
  const auto lead = byte(0);
  if (lead < 0x80)
    return 1;
  if (lead < 0xC2)
    return 0;
  if (lead < 0xE0)
    return tail(1) ? 2 : 0;
  if (lead < 0xF0) {
    if (!tail(1) || !tail(2) || (lead == 0xE0 && byte(1) < 0xA0)
        || (lead == 0xED && byte(1) > 0x9F))
      return 0;
    return 3;
  }
  if (lead < 0xF5) {
    if (!tail(1) || !tail(2) || !tail(3) || (lead == 0xF0 && byte(1) < 0x90)
        || (lead == 0xF4 && byte(1) > 0x8F))
      return 0;
    return 4;
  }
  return 0;
}

/// `at` stands on the opening quote; the position behind the closing one, 0 for an error.
std::size_t string_end(std::string_view t, std::size_t at) noexcept {
  ++at;
  while (true) {
    while (at + 8 <= t.size() && all_plain(t.data() + at))
      at += 8;
    while (at < t.size() && plain_bytes[static_cast<unsigned char>(t[at])])
      ++at;
    if (at >= t.size())
      return 0;
    const auto c = static_cast<unsigned char>(t[at]);
    if (c == '"')
      return at + 1;
    if (c < 0x20)
      return 0;
    if (c != '\\') {
      const auto n = utf8_length(t.substr(at));
      if (n == 0)
        return 0;
      at += n;
      continue;
    }
    if (at + 1 >= t.size())
      return 0;
    const char escape = t[at + 1];
    if (escape == 'u') {
      if (at + 6 > t.size())
        return 0;
      for (std::size_t i = at + 2; i < at + 6; ++i)
        if (hex_digit(t[i]) < 0)
          return 0;
      at += 6;
    } else if (std::strchr("\"\\/bfnrt", escape) != nullptr && escape != '\0') {
      at += 2;
    } else {
      return 0;
    }
  }
}

std::size_t number_end(std::string_view t, std::size_t at) noexcept {
  const auto digits = [&] {
    const auto from = at;
    while (at < t.size() && is_digit(t[at]))
      ++at;
    return at > from;
  };
  if (t[at] == '-')
    ++at;
  if (at >= t.size())
    return 0;
  if (t[at] == '0')
    ++at;
  else if (!digits())
    return 0;
  if (at < t.size() && t[at] == '.') {
    ++at;
    if (!digits())
      return 0;
  }
  if (at < t.size() && (t[at] == 'e' || t[at] == 'E')) {
    ++at;
    if (at < t.size() && (t[at] == '+' || t[at] == '-'))
      ++at;
    if (!digits())
      return 0;
  }
  return at;
}

std::size_t space_end(std::string_view t, std::size_t at) noexcept {
  while (at < t.size() && (t[at] == ' ' || t[at] == '\t' || t[at] == '\n' || t[at] == '\r'))
    ++at;
  return at;
}

/// A value that is no container.
std::size_t scalar_end(std::string_view t, std::size_t at) noexcept {
  const auto word
    = [&](std::string_view w) { return t.substr(at, w.size()) == w ? at + w.size() : 0; };
  switch (t[at]) {
  case '"': return string_end(t, at);
  case 't': return word("true");
  case 'f': return word("false");
  case 'n': return word("null");
  default: return t[at] == '-' || is_digit(t[at]) ? number_end(t, at) : 0;
  }
}

/// `"key" :` of an object: the position behind the colon and the space after it, 0 for an error.
std::size_t key_end(std::string_view t, std::size_t at) noexcept {
  if (at >= t.size() || t[at] != '"')
    return 0;
  at = string_end(t, at);
  if (at == 0)
    return 0;
  at = space_end(t, at);
  if (at >= t.size() || t[at] != ':')
    return 0;
  return space_end(t, at + 1);
}

/// The value at `at` (no space before it): the position behind it, 0 for an error. No recursion:
/// one bit per level says whether it is an object.
std::size_t value_end(std::string_view t, std::size_t at) noexcept {
  static_assert(max_depth <= 64);
  std::uint64_t objects = 0;
  std::size_t depth = 0;
  while (true) {
    if (at >= t.size())
      return 0;
    const char c = t[at];
    if (c == '{' || c == '[') {
      if (depth == max_depth)
        return 0;
      const bool object = c == '{';
      objects = (objects << 1) | (object ? 1u : 0u);
      ++depth;
      at = space_end(t, at + 1);
      if (at >= t.size())
        return 0;
      if (t[at] != (object ? '}' : ']')) {
        if (object && (at = key_end(t, at)) == 0)
          return 0;
        continue; // its first value
      }
    } else {
      at = scalar_end(t, at);
      if (at == 0 || depth == 0)
        return at;
      at = space_end(t, at);
    }
    // Behind a value, or on the end of an empty container.
    while (true) {
      if (at >= t.size())
        return 0;
      const bool object = (objects & 1u) != 0;
      if (t[at] == ',') {
        at = space_end(t, at + 1);
        if (object && (at = key_end(t, at)) == 0)
          return 0;
        break;
      }
      if (t[at] != (object ? '}' : ']'))
        return 0;
      objects >>= 1;
      ++at;
      if (--depth == 0)
        return at;
      at = space_end(t, at);
    }
  }
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

std::uint32_t four_digits(std::string_view t) noexcept {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i)
    out = out * 16 + static_cast<std::uint32_t>(hex_digit(t[i]));
  return out;
}

} // namespace

void skip_space(std::string_view& text) noexcept {
  text.remove_prefix(space_end(text, 0));
}

std::optional<std::string_view> take_value(std::string_view& text) noexcept {
  const auto from = space_end(text, 0);
  const auto end = value_end(text, from);
  if (end == 0)
    return std::nullopt;
  const auto value = text.substr(from, end - from);
  text.remove_prefix(end);
  return value;
}

std::optional<std::string_view> whole_value(std::string_view text) noexcept {
  const auto value = take_value(text);
  skip_space(text);
  return text.empty() ? value : std::nullopt;
}

walker::walker(std::string_view text, kind what) noexcept : rest_{text}, kind_{what} {
  skip_space(rest_);
  if (rest_.empty() || rest_.front() != static_cast<char>(what)) {
    ok_ = false;
    done_ = true;
    return;
  }
  rest_.remove_prefix(1);
}

bool walker::fail() noexcept {
  ok_ = false;
  done_ = true;
  return false;
}

bool walker::next() noexcept {
  if (done_)
    return false;
  skip_space(rest_);
  if (rest_.empty())
    return fail();
  const char end = kind_ == kind::object ? '}' : ']';
  if (rest_.front() == end) {
    rest_.remove_prefix(1);
    skip_space(rest_);
    done_ = true;
    ok_ = rest_.empty();
    return false;
  }
  if (!first_) {
    if (rest_.front() != ',')
      return fail();
    rest_.remove_prefix(1);
    skip_space(rest_);
  }
  first_ = false;
  if (kind_ == kind::object) {
    if (rest_.empty() || rest_.front() != '"')
      return fail();
    const auto n = string_end(rest_, 0);
    if (n == 0)
      return fail();
    key_ = rest_.substr(0, n);
    rest_.remove_prefix(n);
    skip_space(rest_);
    if (rest_.empty() || rest_.front() != ':')
      return fail();
    rest_.remove_prefix(1);
  }
  const auto value = take_value(rest_);
  if (!value)
    return fail();
  value_ = *value;
  // An end must follow or a comma with another value; the end is looked at by the next call.
  skip_space(rest_);
  if (rest_.empty() || (rest_.front() != end && rest_.front() != ','))
    return fail();
  if (rest_.front() == ',') {
    auto behind = rest_.substr(1);
    skip_space(behind);
    if (behind.empty() || behind.front() == end)
      return fail();
  }
  return true;
}

std::optional<std::string> unquote(std::string_view value) {
  if (!is_string(value) || string_end(value, 0) != value.size())
    return std::nullopt;
  value = value.substr(1, value.size() - 2);
  std::string out;
  out.reserve(value.size());
  while (!value.empty()) {
    const auto plain = std::min(value.find('\\'), value.size());
    out.append(value.substr(0, plain));
    value.remove_prefix(plain);
    if (value.empty())
      break;
    const char escape = value[1];
    value.remove_prefix(2);
    switch (escape) {
    case 'b': out += '\b'; break;
    case 'f': out += '\f'; break;
    case 'n': out += '\n'; break;
    case 'r': out += '\r'; break;
    case 't': out += '\t'; break;
    case 'u': {
      auto code = four_digits(value);
      value.remove_prefix(4);
      if (code >= 0xDC00 && code < 0xE000)
        return std::nullopt;
      if (code >= 0xD800 && code < 0xDC00) {
        if (value.size() < 6 || value[0] != '\\' || value[1] != 'u')
          return std::nullopt;
        const auto low = four_digits(value.substr(2));
        if (low < 0xDC00 || low >= 0xE000)
          return std::nullopt;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        value.remove_prefix(6);
      }
      append_utf8(out, code);
      break;
    }
    default: out += escape;
    }
  }
  return out;
}

void quote(std::string& out, std::string_view plain) {
  static constexpr char digits[] = "0123456789abcdef";
  out += '"';
  std::size_t done = 0;
  for (std::size_t i = 0; i < plain.size();) {
    const auto c = static_cast<unsigned char>(plain[i]);
    if (plain_bytes[c]) {
      ++i;
      continue;
    }
    const auto n = c < 0x80 ? 0 : utf8_length(plain.substr(i));
    if (n > 0) {
      i += n;
      continue;
    }
    out.append(plain.substr(done, i - done));
    if (c >= 0x80) {
      out += "\xEF\xBF\xBD";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += "\\u00";
      out += digits[c >> 4];
      out += digits[c & 15];
    }
    done = ++i;
  }
  out.append(plain.substr(done));
  out += '"';
}

std::string quoted(std::string_view plain) {
  std::string out;
  out.reserve(plain.size() + 2);
  quote(out, plain);
  return out;
}

std::optional<std::string_view> member(std::string_view object, std::string_view plain) noexcept {
  for (walker each{object, walker::kind::object}; each.next();)
    if (each.key_is(plain))
      return each.value();
  return std::nullopt;
}

} // namespace holt::json_text
