// SPDX-License-Identifier: Apache-2.0
#pragma once

// An answer that is an array and may become too large: list, tree, glob and grep fill it until it
// is full. To an agent that takes a stream it may be larger: then the JSON text of the array goes
// as `content`, and `content_of` names the field.

#include "files/content.hpp"

namespace holt::files {

class array_answer {
public:
  array_answer(const file_context& context, const command& what, const char* field);

  /// False: it would not fit; then it is not in, and nothing more should be added.
  bool add(nlohmann::json entry);
  std::size_t size() const noexcept { return array_.size(); }
  /// Joins the other fields.
  void finish(command_outcome& into);

private:
  const char* field_;
  nlohmann::json array_ = nlohmann::json::array();
  std::size_t bytes_ = 2;
  std::size_t max_inline_;
  std::size_t max_bytes_;
};

/// Bytes of the entry as JSON text, close enough.
std::size_t estimated_size(const nlohmann::json& entry);

} // namespace holt::files
