// SPDX-License-Identifier: Apache-2.0
#include "desktop/manager_message.hpp"

#include <algorithm>

namespace holt::desktop {

void tell_manager(connection& x, xcb_window_t window, xcb_atom_t type,
                  const std::array<std::uint32_t, 5>& data) {
  xcb_client_message_event_t event{};
  event.response_type = XCB_CLIENT_MESSAGE;
  event.format = 32;
  event.window = window;
  event.type = type;
  std::copy(data.begin(), data.end(), event.data.data32);
  xcb_send_event(x.raw(), 0, x.root(),
                 XCB_EVENT_MASK_SUBSTRUCTURE_REDIRECT | XCB_EVENT_MASK_SUBSTRUCTURE_NOTIFY,
                 reinterpret_cast<const char*>(&event));
}

} // namespace holt::desktop
