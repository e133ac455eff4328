// SPDX-License-Identifier: Apache-2.0
#pragma once

// Bytes of text as several readers look at them: digits and UTF-8. Pure, by no locale; for .cpp
// files only.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace holt {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// -1: it is none.
constexpr int hex_digit(char c) noexcept {
  if (is_digit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/// ASCII letters in lower case, the rest as it is.
inline std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + 32);
  return out;
}

/// Eight bytes at once. All are ASCII:
inline bool ascii8(const char* at) noexcept {
  std::uint64_t w = 0;
  std::memcpy(&w, at, 8);
  return (w & 0x8080808080808080ull) == 0;
}

/// Eight bytes at once. All are ASCII and stand in a string of JSON as they are: no control, quote
/// or backslash. (Each term below has a high bit set somewhere exactly when there is such a byte.)
inline bool plain8(const char* at) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101ull;
  constexpr std::uint64_t high = ones * 0x80;
  std::uint64_t w = 0;
  std::memcpy(&w, at, 8);
  const auto quotes = w ^ ones * '"';
  const auto slashes = w ^ ones * '\\';
  const auto found = (w - ones * 0x20) & ~w;
  const auto quote = (quotes - ones) & ~quotes;
  const auto slash = (slashes - ones) & ~slashes;
  return ((w | found | quote | slash) & high) == 0;
}

/// Length of the well-formed UTF-8 sequence (RFC 3629, section 4) at the front of `t`, which is not
/// empty; 0 when it is none.
inline std::size_t utf8_length(std::string_view t) noexcept {
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

inline bool well_formed_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    if (text.size() >= 8 && ascii8(text.data())) {
      text.remove_prefix(8);
      continue;
    }
    const auto n = utf8_length(text);
    if (n == 0)
      return false;
    text.remove_prefix(n);
  }
  return true;
}

} // namespace holt
