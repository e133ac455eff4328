// SPDX-License-Identifier: Apache-2.0
#include "actors/secret_mask.hpp"

#include <algorithm>

namespace holt {

namespace {

constexpr std::string_view shown = "***";

} // namespace

secret_mask::secret_mask(std::vector<std::string> secrets) : secrets_{std::move(secrets)} {
  std::erase_if(secrets_, [](const auto& one) { return one.empty(); });
  std::sort(secrets_.begin(), secrets_.end(),
            [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

/// All of `text` is the beginning of a secret, and not yet the whole.
bool secret_mask::may_begin(std::string_view text) const {
  return std::any_of(secrets_.begin(), secrets_.end(), [text](const auto& one) {
    return one.size() > text.size() && std::string_view{one}.starts_with(text);
  });
}

/// Takes what is certain out of `text`; all of it when it is the last.
std::string secret_mask::take(std::string& text, bool last) const {
  std::string out;
  std::string_view rest = text;
  while (!rest.empty()) {
    auto at = rest.npos;
    std::size_t length = 0;
    for (const auto& one : secrets_) // longest first: it wins at the same place
      if (auto found = rest.find(one); found < at) {
        at = found;
        length = one.size();
      }
    if (at == rest.npos)
      break;
    // A longer one may go on where a shorter one ends.
    if (!last && may_begin(rest.substr(at))) {
      out += rest.substr(0, at);
      text = std::string{rest.substr(at)};
      return out;
    }
    out += rest.substr(0, at);
    out += shown;
    rest.remove_prefix(at + length);
  }
  std::size_t keep = 0;
  if (!last && !secrets_.empty())
    for (keep = std::min(rest.size(), secrets_.front().size() - 1); keep > 0; --keep)
      if (may_begin(rest.substr(rest.size() - keep)))
        break;
  out += rest.substr(0, rest.size() - keep);
  text = std::string{rest.substr(rest.size() - keep)};
  return out;
}

std::string secret_mask::apply(std::string_view text) const {
  std::string copy{text};
  return secrets_.empty() ? copy : take(copy, true);
}

std::string secret_mask::stream::add(std::string_view bytes) {
  if (mask_->empty())
    return std::string{bytes};
  held_ += bytes;
  return mask_->take(held_, false);
}

std::string secret_mask::stream::finish() {
  return mask_->take(held_, true);
}

} // namespace holt
