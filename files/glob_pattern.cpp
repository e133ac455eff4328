// SPDX-License-Identifier: Apache-2.0
#include "files/glob_pattern.hpp"

#include <algorithm>
#include <optional>

namespace holt::files {

namespace {

constexpr std::size_t max_alternatives = 64;

/// The code point at `at` and how many bytes it takes; a byte that is no UTF-8 counts alone, above
/// all code points.
struct point {
  std::uint32_t value = 0;
  std::size_t size = 1;
};

point point_at(std::string_view text, std::size_t at) noexcept {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const std::uint32_t first = byte(0);
  if (first < 0x80)
    return {first, 1};
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const point broken{0x110000u + first, 1};
  if (first < 0xc2 || first > 0xf4 || at + size > text.size())
    return broken;
  std::uint32_t value = first & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0u) != 0x80u)
      return broken;
    value = value << 6 | (byte(i) & 0x3fu);
  }
  return {value, size};
}

/// End of the bracket expression that begins at `open`, behind its `]`; npos: it does not end.
std::size_t bracket_end(std::string_view pattern, std::size_t open) noexcept {
  auto at = open + 1;
  if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^'))
    ++at;
  for (auto first = at; at < pattern.size(); ++at) {
    if (pattern[at] == '\\')
      ++at;
    else if (pattern[at] == ']' && at != first)
      return at + 1;
  }
  return std::string_view::npos;
}

/// `inside`: between the brackets.
bool in_bracket(std::string_view inside, std::uint32_t value) noexcept {
  const bool negated = inside.starts_with('!') || inside.starts_with('^');
  std::size_t at = negated ? 1 : 0;
  bool found = false;
  auto next = [&] {
    if (inside[at] == '\\' && at + 1 < inside.size())
      ++at;
    auto got = point_at(inside, at);
    at += got.size;
    return got.value;
  };
  while (at < inside.size()) {
    const auto low = next();
    auto high = low;
    if (at + 1 < inside.size() && inside[at] == '-') {
      ++at;
      high = next();
    }
    found = found || (value >= low && value <= high);
  }
  return found != negated;
}

/// One pattern character at `at` against `value`; moves `at` behind it.
bool match_one(std::string_view pattern, std::size_t& at, std::uint32_t value) noexcept {
  if (pattern[at] == '?') {
    ++at;
    return true;
  }
  if (pattern[at] == '[') {
    if (auto end = bracket_end(pattern, at); end != std::string_view::npos) {
      auto inside = pattern.substr(at + 1, end - at - 2);
      at = end;
      return in_bracket(inside, value);
    }
  }
  if (pattern[at] == '\\' && at + 1 < pattern.size())
    ++at;
  auto want = point_at(pattern, at);
  at += want.size;
  return want.value == value;
}

/// The name that alone matches; nullopt: there are wildcards in it.
std::optional<std::string> fixed_name(std::string_view pattern) {
  std::string out;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '\\' && at + 1 < pattern.size())
      ++at;
    else if (pattern[at] == '*' || pattern[at] == '?' || pattern[at] == '[')
      return std::nullopt;
    out += pattern[at];
  }
  return out;
}

/// Positions of the outermost commas and the end of the brace at `open`; nullopt: it does not end.
std::optional<std::vector<std::size_t>> brace_cuts(std::string_view pattern, std::size_t open) {
  std::vector<std::size_t> cuts;
  int depth = 0;
  for (auto at = open; at < pattern.size(); ++at) {
    if (pattern[at] == '\\') {
      ++at;
    } else if (pattern[at] == '[') {
      if (auto end = bracket_end(pattern, at); end != std::string_view::npos)
        at = end - 1;
    } else if (pattern[at] == '{') {
      ++depth;
    } else if (pattern[at] == ',' && depth == 1) {
      cuts.push_back(at);
    } else if (pattern[at] == '}' && --depth == 0) {
      cuts.push_back(at);
      return cuts;
    }
  }
  return std::nullopt;
}

std::size_t first_brace(std::string_view pattern) noexcept {
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '\\')
      ++at;
    else if (pattern[at] == '{')
      return at;
    else if (pattern[at] == '[')
      if (auto end = bracket_end(pattern, at); end != std::string_view::npos)
        at = end - 1;
  }
  return std::string_view::npos;
}

/// False: too many, or a brace that does not end. One without a comma is text.
bool expand_braces(std::string pattern, std::vector<std::string>& into) {
  std::vector<std::string> todo{std::move(pattern)};
  std::size_t made = 0;
  while (!todo.empty()) {
    auto one = std::move(todo.back());
    todo.pop_back();
    auto open = first_brace(one);
    if (open == std::string::npos) {
      into.push_back(std::move(one));
      if (into.size() > max_alternatives)
        return false;
      continue;
    }
    auto cuts = brace_cuts(one, open);
    if (!cuts)
      return false;
    if (cuts->size() == 1) {
      one.insert(cuts->front(), 1, '\\');
      one.insert(open, 1, '\\');
      todo.push_back(std::move(one));
      if (++made > max_alternatives)
        return false;
      continue;
    }
    auto begin = open + 1;
    for (auto cut : *cuts) {
      todo.push_back(one.substr(0, open) + one.substr(begin, cut - begin)
                     + one.substr(cuts->back() + 1));
      begin = cut + 1;
    }
    made += cuts->size();
    if (made > max_alternatives)
      return false;
  }
  return true;
}

error wrong(std::string_view what) {
  return {errc::invalid_request, "pattern: " + std::string{what}};
}

} // namespace

bool match_name(std::string_view pattern, std::string_view name, bool hidden) noexcept {
  if (!hidden && name.starts_with('.') && !pattern.starts_with('.') && !pattern.starts_with("\\."))
    return false;
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos; ///< behind the last `*`
  std::size_t retry = 0;                     ///< where in the name it goes on from
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      retry = n;
      continue;
    }
    auto one = point_at(name, n);
    if (p < pattern.size() && match_one(pattern, p, one.value)) {
      n += one.size;
      continue;
    }
    if (star == std::string_view::npos)
      return false;
    p = star;
    retry += point_at(name, retry).size;
    n = retry;
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

result<glob_pattern> glob_pattern::compile(std::string_view pattern, bool hidden) {
  if (pattern.empty())
    return wrong("it is empty");
  if (pattern.size() > max_bytes || pattern.find('\0') != std::string_view::npos)
    return wrong("it is longer than 4,096 bytes or holds a NUL");
  std::vector<std::string> alternatives;
  if (!expand_braces(std::string{pattern}, alternatives))
    return wrong("a brace is not closed, or there are more than 64 alternatives");
  std::sort(alternatives.begin(), alternatives.end());
  glob_pattern out;
  out.hidden_ = hidden;
  const bool name_only = pattern.find('/') == std::string_view::npos;
  out.only_folders_ = pattern.ends_with('/');
  for (std::string_view rest : alternatives) {
    bool empty = true;
    out.starts_.push_back(out.parts_.size());
    if (name_only)
      out.parts_.push_back({"**", true, false});
    while (!rest.empty()) {
      auto cut = rest.find('/');
      auto text = rest.substr(0, cut);
      rest.remove_prefix(cut == std::string_view::npos ? rest.size() : cut + 1);
      if (text.empty() || text == ".")
        continue;
      if (text == "..")
        return wrong("`..` is not allowed");
      empty = false;
      if (text == "**" && !out.parts_.empty() && out.parts_.back().any_depth)
        continue; // the same twice
      out.parts_.push_back({std::string{text}, text == "**", false});
    }
    if (empty)
      return wrong("an alternative is empty");
    if (out.parts_.back().any_depth) // all that is below, not the folder itself
      out.parts_.push_back({"*", false, false});
    out.parts_.push_back({{}, false, true});
    if (out.parts_.size() > max_parts)
      return wrong("it has more than 512 components");
  }
  return out;
}

void glob_pattern::close(state& at) const noexcept {
  for (std::size_t i = 0; i < parts_.size(); ++i)
    if (at[i] && parts_[i].any_depth)
      at.set(i + 1);
}

glob_pattern::state glob_pattern::start() const noexcept {
  state out;
  for (auto i : starts_)
    out.set(i);
  close(out);
  return out;
}

glob_pattern::state glob_pattern::step(const state& from, std::string_view name) const {
  state out;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (!from[i] || parts_[i].last)
      continue;
    if (parts_[i].any_depth) {
      if (!hidden_ && name.starts_with('.'))
        continue;
      out.set(i);
    } else if (match_name(parts_[i].text, name, hidden_)) {
      out.set(i + 1);
    }
  }
  close(out);
  return out;
}

bool glob_pattern::accepts(const state& at) const noexcept {
  for (std::size_t i = 0; i < parts_.size(); ++i)
    if (at[i] && parts_[i].last)
      return true;
  return false;
}

bool glob_pattern::matches(std::string_view path) const {
  auto at = start();
  while (!path.empty() && at.any()) {
    auto cut = path.find('/');
    auto name = path.substr(0, cut);
    path.remove_prefix(cut == std::string_view::npos ? path.size() : cut + 1);
    if (!name.empty())
      at = step(at, name);
  }
  return accepts(at);
}

std::vector<std::string> glob_pattern::fixed_front() const {
  std::vector<std::string> out;
  if (starts_.size() != 1)
    return out;
  for (std::size_t i = 0; i + 2 < parts_.size(); ++i) {
    auto name = parts_[i].any_depth ? std::nullopt : fixed_name(parts_[i].text);
    if (!name)
      break;
    out.push_back(std::move(*name));
  }
  return out;
}

} // namespace holt::files
