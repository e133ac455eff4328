// SPDX-License-Identifier: Apache-2.0

#include "transport/output_ring.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace holt {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

/// Length of the well-formed UTF-8 sequence at the start of `s` (Unicode, table 3-7); 0 for none.
std::size_t sequence(std::string_view s) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(s[i]); };
  const auto between = [&](std::size_t i, unsigned low, unsigned high) {
    return i < s.size() && at(i) >= low && at(i) <= high;
  };
  const unsigned lead = at(0);
  if (lead < 0x80)
    return 1;
  if (lead >= 0xC2 && lead <= 0xDF)
    return between(1, 0x80, 0xBF) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF; // no surrogates
    return between(1, low, high) && between(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return between(1, low, high) && between(2, 0x80, 0xBF) && between(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

} // namespace

std::string printable_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto n = sequence(bytes);
    if (n == 0) {
      out += replacement;
      bytes.remove_prefix(1);
      continue;
    }
    const auto lead = static_cast<std::uint8_t>(bytes.front());
    const bool control = n == 1 && lead != '\t' && (lead < 0x20 || lead == 0x7F);
    // C1 controls steer terminals as well: U+0080 to U+009F.
    const bool c1 = n == 2 && lead == 0xC2 && static_cast<std::uint8_t>(bytes[1]) < 0xA0;
    if (control || c1)
      out += '?';
    else
      out += bytes.substr(0, n);
    bytes.remove_prefix(n);
  }
  return out;
}

void line_splitter::feed(std::string_view bytes, const std::function<void(std::string)>& line) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto piece = bytes.substr(0, end);
    const auto room = max_ - std::min(max_, pending_.size());
    pending_ += piece.substr(0, room);
    cut_ = cut_ || piece.size() > room;
    if (end == std::string_view::npos)
      return;
    emit(line);
    bytes.remove_prefix(end + 1);
  }
}

void line_splitter::finish(const std::function<void(std::string)>& line) {
  if (!pending_.empty())
    emit(line);
}

void line_splitter::emit(const std::function<void(std::string)>& line) {
  if (!cut_ && !pending_.empty() && pending_.back() == '\r')
    pending_.pop_back();
  auto text = printable_utf8(pending_);
  if (cut_)
    text += " …";
  pending_.clear();
  cut_ = false;
  if (line)
    line(std::move(text));
}

void output_ring::push(std::string line) {
  bytes_ += line.size() + 1;
  lines_.push_back(std::move(line));
  while (bytes_ > max_ && !lines_.empty()) {
    bytes_ -= lines_.front().size() + 1;
    lines_.pop_front();
  }
}

std::vector<std::string> output_ring::last(std::size_t n) const {
  const auto skip = lines_.size() - std::min(n, lines_.size());
  return {lines_.begin() + static_cast<std::ptrdiff_t>(skip), lines_.end()};
}

} // namespace holt
