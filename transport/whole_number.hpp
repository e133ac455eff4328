// SPDX-License-Identifier: Apache-2.0
#pragma once

// A whole number written out: the one reader of those in paths, queries and arguments. Pure.

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

namespace holt {

/// Decimal digits and nothing else (a minus where T is signed). Nothing where it does not fit.
template <std::integral T>
std::optional<T> whole_number(std::string_view text) {
  T value{};
  const auto* end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, value);
  if (ec != std::errc{} || stop != end)
    return std::nullopt;
  return value;
}

} // namespace holt
