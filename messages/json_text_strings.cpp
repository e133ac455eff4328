// SPDX-License-Identifier: Apache-2.0

// Strings of JSON and the text they stand for, both ways.

#include "messages/json_text.hpp"
#include "messages/text_bytes.hpp"

#include <algorithm>
#include <cstdint>

namespace holt::json_text {

namespace {

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

std::optional<std::string> unquote(std::string_view value) {
  if (!is_string(value) || whole_value(value) != value)
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
  static constexpr std::string_view with_names = "\b\t\n\f\r";
  static constexpr std::string_view names = "btnfr";
  out.reserve(out.size() + plain.size() + 2);
  out += '"';
  std::size_t done = 0;
  for (std::size_t i = 0; i < plain.size();) {
    if (i + 8 <= plain.size() && plain8(plain.data() + i)) {
      i += 8;
      continue;
    }
    const auto c = static_cast<unsigned char>(plain[i]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
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
    } else if (const auto at = with_names.find(static_cast<char>(c)); at != with_names.npos) {
      out += '\\';
      out += names[at];
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

} // namespace holt::json_text
