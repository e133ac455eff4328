// SPDX-License-Identifier: Apache-2.0
#include "files/array_answer.hpp"

#include <algorithm>

namespace holt::files {

array_answer::array_answer(const file_context& context, const command& what, const char* field)
  : field_{field},
    max_inline_{context.limits.max_inline},
    max_bytes_{what.stream ? std::max<std::size_t>(max_inline_, context.limits.max_read)
                           : max_inline_} {}

bool array_answer::add(nlohmann::json entry) {
  const auto size = estimated_size(entry) + 1;
  if (bytes_ + size > max_bytes_)
    return false;
  bytes_ += size;
  array_.push_back(std::move(entry));
  return true;
}

void array_answer::finish(command_outcome& into) {
  if (bytes_ <= max_inline_) {
    into.fields[field_] = std::move(array_);
    return;
  }
  auto text = array_.dump();
  into.fields["content_of"] = field_;
  into.fields["bytes"] = text.size();
  into.fields["sha256"] = sha256_hex(text);
  into.large.push_back({"content", std::move(text)});
}

std::size_t estimated_size(const nlohmann::json& entry) {
  switch (entry.type()) {
  case nlohmann::json::value_t::string: return json_size(entry.get_ref<const std::string&>()) + 2;
  case nlohmann::json::value_t::object: {
    std::size_t out = 2;
    for (const auto& [key, value] : entry.items())
      out += key.size() + 4 + estimated_size(value);
    return out;
  }
  case nlohmann::json::value_t::array: {
    std::size_t out = 2;
    for (const auto& value : entry)
      out += estimated_size(value) + 1;
    return out;
  }
  case nlohmann::json::value_t::boolean: return 5;
  case nlohmann::json::value_t::null: return 4;
  default: return entry.dump().size();
  }
}

} // namespace holt::files
