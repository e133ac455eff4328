// SPDX-License-Identifier: Apache-2.0
#pragma once

// Replaces secrets by *** before anybody sees them, also when one comes in two pieces. Pure;
// immutable but for its streams.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holt {

class secret_mask {
public:
  explicit secret_mask(std::vector<std::string> secrets);
  bool empty() const noexcept { return secrets_.empty(); }
  std::string apply(std::string_view text) const;

  /// One stream of bytes that comes in pieces.
  class stream {
  public:
    explicit stream(std::shared_ptr<const secret_mask> mask) : mask_{std::move(mask)} {}
    /// What is certain by now. Holds back what may be the beginning of a secret.
    std::string add(std::string_view bytes);
    /// The stream has ended: the rest.
    std::string finish();
    std::size_t held() const noexcept { return held_.size(); }

  private:
    std::shared_ptr<const secret_mask> mask_;
    std::string held_;
  };

private:
  std::string take(std::string& text, bool last) const;
  bool may_begin(std::string_view text) const;

  std::vector<std::string> secrets_; ///< longest first
};

using secret_mask_ptr = std::shared_ptr<const secret_mask>;

} // namespace holt
