// SPDX-License-Identifier: Apache-2.0
#pragma once

// Small helpers of the stream tests: bytes as hexadecimal text.

#include "stream/byte_io.hpp"

#include <string>
#include <vector>

namespace holt::test {

inline std::vector<std::uint8_t> unhex(std::string_view text) {
  std::vector<std::uint8_t> out;
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(digit(text[i]) << 4 | digit(text[i + 1])));
  return out;
}

inline std::string hex(stream::bytes_view bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (auto byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

} // namespace holt::test
