// SPDX-License-Identifier: Apache-2.0
#pragma once

// Replacing of exact text, pure: the edits of one fs.edit in their order, all or none.

#include "messages/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holt::files {

struct text_edit {
  std::string old_text; ///< not empty
  std::string new_text;
  bool all = false; ///< every occurrence; otherwise there must be exactly one
};

/// What became of them. `code` is conflict when one did not fit.
struct edited_text {
  errc code = errc::none;
  std::string detail;
  std::size_t edit = 0;        ///< which did not fit, from 0
  std::size_t occurrences = 0; ///< of its old text, not overlapping
  std::uint64_t replacements = 0;
  std::string text;
};

/// payload_too_large when the text grows above `most` bytes.
edited_text apply_edits(std::string text, const std::vector<text_edit>& edits, std::uint64_t most);

} // namespace holt::files
