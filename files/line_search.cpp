// SPDX-License-Identifier: Apache-2.0
#include "files/line_search.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cstring>

namespace holt::files {

namespace {

constexpr std::int64_t expression_memory = 16 * 1024 * 1024;

std::string_view without_end(std::string_view line) {
  if (line.ends_with('\n'))
    line.remove_suffix(1);
  if (line.ends_with('\r'))
    line.remove_suffix(1);
  return line;
}

} // namespace

struct line_search::matcher {
  std::string literal; ///< empty: the expression decides
  std::unique_ptr<re2::RE2> expression;

  /// Begin of the next match from `from` on; npos for none.
  std::size_t find(std::string_view text, std::size_t from) const {
    if (!literal.empty()) {
      const auto* at
        = ::memmem(text.data() + from, text.size() - from, literal.data(), literal.size());
      return at == nullptr ? std::string_view::npos
                           : static_cast<std::size_t>(static_cast<const char*>(at) - text.data());
    }
    re2::StringPiece hit;
    const re2::StringPiece all{text.data(), text.size()};
    if (!expression->Match(all, from, text.size(), re2::RE2::UNANCHORED, &hit, 1))
      return std::string_view::npos;
    return static_cast<std::size_t>(hit.data() - text.data());
  }
};

line_search::line_search() = default;
line_search::line_search(line_search&&) noexcept = default;
line_search::~line_search() = default;

result<line_search> line_search::compile(const std::string& pattern, how options) {
  if (pattern.empty())
    return error{errc::invalid_request, "pattern is empty"};
  line_search out;
  out.how_ = options;
  out.matcher_ = std::make_unique<matcher>();
  const bool one_line = pattern.find('\n') == std::string::npos;
  if (!options.regex && !one_line)
    return error{errc::invalid_request, "pattern holds a line end; a match is within one line"};
  if (!options.regex && !options.ignore_case && !options.whole_word) {
    out.matcher_->literal = pattern;
    return out;
  }
  re2::RE2::Options settings;
  settings.set_log_errors(false);
  settings.set_max_mem(expression_memory);
  settings.set_case_sensitive(!options.ignore_case);
  settings.set_never_nl(true); // a match stays within its line
  auto text = options.regex ? pattern : re2::RE2::QuoteMeta(pattern);
  if (options.whole_word)
    text = "\\b(?:" + text + ")\\b";
  out.matcher_->expression = std::make_unique<re2::RE2>("(?m)" + text, settings);
  if (!out.matcher_->expression->ok())
    return error{errc::invalid_request, "pattern: " + out.matcher_->expression->error()};
  return out;
}

void line_search::run(std::string_view text,
                      const std::function<bool(const found_line&)>& take) const {
  std::size_t from = 0;
  std::uint64_t number = 1; ///< of the line that begins at `counted`
  std::size_t counted = 0;
  while (from < text.size()) {
    const auto at = matcher_->find(text, from);
    if (at == std::string_view::npos)
      return;
    auto begin = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
    begin = begin == std::string_view::npos ? 0 : begin + 1;
    if (begin == text.size())
      return; // an empty match behind the last line end
    auto end = text.find('\n', at);
    end = end == std::string_view::npos ? text.size() : end + 1;
    number += static_cast<std::uint64_t>(
      std::count(text.begin() + static_cast<std::ptrdiff_t>(counted),
                 text.begin() + static_cast<std::ptrdiff_t>(begin), '\n'));
    counted = begin;
    found_line line{number, without_end(text.substr(begin, end - begin)), at - begin, {}, {}};
    for (auto first = begin; line.before.size() < how_.before && first > 0;) {
      auto previous = first < 2 ? std::string_view::npos : text.rfind('\n', first - 2);
      previous = previous == std::string_view::npos ? 0 : previous + 1;
      line.before.insert(line.before.begin(), without_end(text.substr(previous, first - previous)));
      first = previous;
    }
    for (auto next = end; line.after.size() < how_.after && next < text.size();) {
      auto last = text.find('\n', next);
      last = last == std::string_view::npos ? text.size() : last + 1;
      line.after.push_back(without_end(text.substr(next, last - next)));
      next = last;
    }
    if (!take(line))
      return;
    from = end;
  }
}

} // namespace holt::files
