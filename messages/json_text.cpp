// SPDX-License-Identifier: Apache-2.0
#include "messages/json_text.hpp"

#include "messages/text_bytes.hpp"

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

std::optional<std::string_view> member(std::string_view object, std::string_view plain) noexcept {
  for (walker each{object, walker::kind::object}; each.next();)
    if (each.key_is(plain))
      return each.value();
  return std::nullopt;
}

} // namespace holt::json_text
