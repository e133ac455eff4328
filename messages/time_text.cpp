// SPDX-License-Identifier: Apache-2.0

#include "messages/time_text.hpp"

#include <algorithm>
#include <cstdint>

namespace holt {
namespace {

/// `count` digits of `value`, with zeros in front.
void append_digits(std::string& out, std::uint64_t value, unsigned count) {
  const auto from = out.size();
  out.append(count, '0');
  for (auto at = from + count; at > from; value /= 10)
    out[--at] = static_cast<char>('0' + value % 10);
}

} // namespace

// By hand: a listing of a thousand files writes a thousand of these, and strftime() costs more than
// looking at the file.
std::string to_rfc3339(std::chrono::system_clock::time_point when, unsigned digits) {
  using namespace std::chrono;
  constexpr std::int64_t second = 1'000'000'000;
  // In seconds before anything is subtracted: the first day of the range does not begin in it.
  const std::int64_t ns = duration_cast<nanoseconds>(when.time_since_epoch()).count();
  const auto fraction = (ns % second + second) % second;
  const sys_seconds whole{seconds{ns / second - (ns % second < 0 ? 1 : 0)}};
  const auto day = floor<days>(whole);
  const year_month_day date{day};
  const hh_mm_ss<seconds> clock{whole - day};
  std::string out;
  out.reserve(32);
  append_digits(out, static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
  out += '-';
  append_digits(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_digits(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_digits(out, static_cast<std::uint64_t>(clock.hours().count()), 2);
  out += ':';
  append_digits(out, static_cast<std::uint64_t>(clock.minutes().count()), 2);
  out += ':';
  append_digits(out, static_cast<std::uint64_t>(clock.seconds().count()), 2);
  digits = std::min(digits, 9U);
  if (digits > 0) {
    out += '.';
    append_digits(out, static_cast<std::uint64_t>(fraction), 9);
    out.resize(out.size() - (9 - digits));
  }
  out += 'Z';
  return out;
}

} // namespace holt
