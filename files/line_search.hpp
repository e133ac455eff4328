// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finds lines in a text: a literal or an RE2 expression, with lines of context. Pure; time linear
// in the text, whatever the expression.

#include "messages/error.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holt::files {

struct found_line {
  std::uint64_t number = 0; ///< from 1
  std::string_view text;    ///< without its line end
  std::size_t at = 0;       ///< byte of the line where the match begins
  std::vector<std::string_view> before;
  std::vector<std::string_view> after;
};

class line_search {
public:
  struct how {
    bool regex = false;
    bool ignore_case = false;
    bool whole_word = false;
    std::size_t before = 0; ///< lines
    std::size_t after = 0;
  };

  /// invalid_request with RE2's own words.
  static result<line_search> compile(const std::string& pattern, how options);
  line_search(line_search&&) noexcept;
  ~line_search();

  /// Each line of `text` that matches, in order, until `take` answers false.
  void run(std::string_view text, const std::function<bool(const found_line&)>& take) const;

private:
  struct matcher;
  line_search();
  std::unique_ptr<matcher> matcher_;
  how how_;
};

} // namespace holt::files
