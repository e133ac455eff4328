// SPDX-License-Identifier: Apache-2.0

// A glob pattern and, behind a line end, a path.

#include "files/glob_pattern.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <string>

using namespace holt;

namespace {

/// A pattern that only `path` itself matches.
std::string quoted(std::string_view path) {
  std::string out = "./";
  for (char c : path) {
    if (std::string_view{"*?[]{},\\!^-"}.find(c) != std::string_view::npos)
      out += '\\';
    out += c;
  }
  return out;
}

} // namespace

FUZZ(files_glob) {
  const auto all = fuzz::text(data);
  const auto cut = all.find('\n');
  const auto pattern = all.substr(0, cut);
  const auto path = cut == std::string_view::npos ? std::string_view{} : all.substr(cut + 1);
  const auto plain = files::glob_pattern::compile(pattern, false);
  const auto hidden = files::glob_pattern::compile(pattern, true);
  fuzz::must(plain.has_value() == hidden.has_value(),
             "hidden changes what matches, not what is one");
  if (plain && path.size() <= 4096) {
    plain->fixed_front();
    fuzz::must(!plain->matches(path) || hidden->matches(path), "hidden only adds");
    fuzz::must(!plain->matches(""), "nothing is no path");
  }
  if (const auto itself = files::glob_pattern::compile(quoted(path), false);
      itself && !path.empty())
    fuzz::must(itself->matches(path) || path.find("./") != std::string_view::npos
                 || path.ends_with('.'),
               "a quoted path matches itself");
}
