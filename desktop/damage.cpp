// SPDX-License-Identifier: Apache-2.0
#include "desktop/damage.hpp"

#include <xcb/damage.h>
#include <xcb/xfixes.h>

namespace holt::desktop {

damage::damage(connection& x)
  : x_(x), damage_(xcb_generate_id(x.raw())), region_(xcb_generate_id(x.raw())) {
  xcb_damage_create(x.raw(), damage_, x.root(), XCB_DAMAGE_REPORT_LEVEL_NON_EMPTY);
  xcb_xfixes_create_region(x.raw(), region_, 0, nullptr);
  x.flush();
}

damage::~damage() {
  xcb_damage_destroy(x_.raw(), damage_);
  xcb_xfixes_destroy_region(x_.raw(), region_);
  x_.flush();
}

bool damage::is_event(const xcb_generic_event_t& event) const noexcept {
  return (event.response_type & 0x7f) == x_.events().damage + XCB_DAMAGE_NOTIFY;
}

bool damage::is_news(const xcb_generic_event_t& event) const noexcept {
  return is_event(event) && static_cast<std::int32_t>(event.full_sequence - taken_) >= 0;
}

result<rectangle> damage::take() {
  taken_ = xcb_damage_subtract(x_.raw(), damage_, XCB_NONE, region_).sequence;
  auto cookie = xcb_xfixes_fetch_region(x_.raw(), region_);
  xcb_ptr<xcb_xfixes_fetch_region_reply_t> reply{
    xcb_xfixes_fetch_region_reply(x_.raw(), cookie, nullptr)};
  if (!reply)
    return x_.failure("FetchRegion");
  const auto& box = reply->extents;
  auto left = std::max<int>(box.x, 0);
  auto top = std::max<int>(box.y, 0);
  auto right = std::max<int>(box.x + box.width, left);
  auto bottom = std::max<int>(box.y + box.height, top);
  return rectangle{static_cast<unsigned>(left), static_cast<unsigned>(top),
                   static_cast<unsigned>(right - left), static_cast<unsigned>(bottom - top)};
}

} // namespace holt::desktop
