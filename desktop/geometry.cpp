// SPDX-License-Identifier: Apache-2.0
#include "desktop/geometry.hpp"

namespace holt::desktop {

rectangle even_inside(rectangle r, unsigned width, unsigned height) noexcept {
  if (r.empty() || r.x >= width || r.y >= height)
    return {};
  auto right = std::min(width, r.x + std::min(r.width, width - r.x));
  auto bottom = std::min(height, r.y + std::min(r.height, height - r.y));
  auto left = r.x & ~1u;
  auto top = r.y & ~1u;
  right = std::min(width, (right + 1) & ~1u);
  bottom = std::min(height, (bottom + 1) & ~1u);
  return {left, top, right - left, bottom - top};
}

} // namespace holt::desktop
