// SPDX-License-Identifier: Apache-2.0
#include "files/edit_text.hpp"

#include <algorithm>
#include <functional>

namespace holt::files {

namespace {

/// Positions of `what`, not overlapping, left to right. Long needles are found by a skip table:
/// the edits of an agent are whole functions.
std::vector<std::size_t> occurrences_of(const std::string& text, const std::string& what) {
  std::vector<std::size_t> out;
  if (what.size() < 16) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size()))
      out.push_back(at);
    return out;
  }
  const std::boyer_moore_horspool_searcher find{what.begin(), what.end()};
  auto at = text.begin();
  while ((at = std::search(at, text.end(), find)) != text.end()) {
    out.push_back(static_cast<std::size_t>(at - text.begin()));
    at += static_cast<std::ptrdiff_t>(what.size());
  }
  return out;
}

std::string why_not(const text_edit& edit, std::size_t number, std::size_t found,
                    const std::string& text) {
  auto out = "edit " + std::to_string(number + 1) + ": ";
  if (found > 0)
    return out + "the old text occurs " + std::to_string(found)
           + " times; give more of what surrounds it, or all";
  out += "the old text does not occur";
  if (edit.old_text.find('\n') != std::string::npos && text.find("\r\n") != std::string::npos
      && edit.old_text.find("\r\n") == std::string::npos)
    out += "; the file's lines end in CR LF";
  return out;
}

} // namespace

edited_text apply_edits(std::string text, const std::vector<text_edit>& edits, std::uint64_t most) {
  edited_text out;
  for (std::size_t i = 0; i < edits.size(); ++i) {
    const auto& edit = edits[i];
    const auto at = occurrences_of(text, edit.old_text);
    if (at.empty() || (at.size() > 1 && !edit.all)) {
      out.code = errc::conflict;
      out.detail = why_not(edit, i, at.size(), text);
      out.edit = i;
      out.occurrences = at.size();
      return out;
    }
    const auto rest = text.size() - at.size() * edit.old_text.size();
    if (rest + at.size() * edit.new_text.size() > most) {
      out.code = errc::payload_too_large;
      out.detail = "edit " + std::to_string(i + 1) + ": the file would be larger than "
                   + std::to_string(most) + " bytes";
      return out;
    }
    std::string next;
    next.reserve(rest + at.size() * edit.new_text.size());
    std::size_t done = 0;
    for (auto one : at) {
      next.append(text, done, one - done);
      next += edit.new_text;
      done = one + edit.old_text.size();
    }
    next.append(text, done);
    text = std::move(next);
    out.replacements += at.size();
  }
  out.text = std::move(text);
  return out;
}

} // namespace holt::files
