// SPDX-License-Identifier: Apache-2.0
#include "desktop/capture.hpp"

#include <xcb/shm.h>

#include <sys/ipc.h>
#include <sys/shm.h>

namespace holt::desktop {

capture::capture(connection& x) : x_(x), try_shm_(x.has_shm()) {}

capture::~capture() {
  drop_segment();
}

void capture::drop_segment() {
  if (segment_ == nullptr)
    return;
  xcb_shm_detach(x_.raw(), shm_id_);
  ::shmdt(segment_);
  segment_ = nullptr;
  segment_bytes_ = 0;
}

bool capture::make_segment(std::size_t bytes) {
  if (segment_bytes_ >= bytes)
    return true;
  drop_segment();
  int id = ::shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600);
  if (id < 0)
    return false;
  void* memory = ::shmat(id, nullptr, 0);
  bool attached = false;
  if (memory != reinterpret_cast<void*>(-1)) {
    shm_id_ = xcb_generate_id(x_.raw());
    auto cookie = xcb_shm_attach_checked(x_.raw(), shm_id_, static_cast<std::uint32_t>(id), 0);
    xcb_ptr<xcb_generic_error_t> refused{xcb_request_check(x_.raw(), cookie)};
    attached = !refused && !x_.lost();
    if (!attached)
      ::shmdt(memory);
  }
  // Marked for removal now that both sides hold it: it cannot outlive them.
  ::shmctl(id, IPC_RMID, nullptr);
  if (!attached)
    return false;
  segment_ = static_cast<std::uint8_t*>(memory);
  segment_bytes_ = bytes;
  return true;
}

result<bgrx_view> capture::grab(rectangle area) {
  if (area.empty())
    return error{errc::invalid_request, "nothing to grab"};
  auto bytes = area.area() * 4;
  auto x = static_cast<std::int16_t>(area.x);
  auto y = static_cast<std::int16_t>(area.y);
  auto width = static_cast<std::uint16_t>(area.width);
  auto height = static_cast<std::uint16_t>(area.height);
  bgrx_view view{nullptr, std::size_t{area.width} * 4, area.width, area.height};
  xcb_generic_error_t* raw_error = nullptr;
  std::uint8_t depth = 0;
  if (try_shm_ && !make_segment(bytes)) {
    if (x_.lost())
      return x_.failure("ShmAttach");
    try_shm_ = false; // another IPC namespace or user: plain GetImage from now on
  }
  if (try_shm_) {
    auto cookie = xcb_shm_get_image(x_.raw(), x_.root(), x, y, width, height, ~0u,
                                    XCB_IMAGE_FORMAT_Z_PIXMAP, shm_id_, 0);
    xcb_ptr<xcb_shm_get_image_reply_t> reply{xcb_shm_get_image_reply(x_.raw(), cookie, &raw_error)};
    view.data = reply ? segment_ : nullptr;
    depth = reply ? reply->depth : std::uint8_t{0};
  } else {
    auto cookie
      = xcb_get_image(x_.raw(), XCB_IMAGE_FORMAT_Z_PIXMAP, x_.root(), x, y, width, height, ~0u);
    auto* reply = xcb_get_image_reply(x_.raw(), cookie, &raw_error);
    reply_.reset(reply);
    if (reply != nullptr && static_cast<std::size_t>(xcb_get_image_data_length(reply)) >= bytes)
      view.data = xcb_get_image_data(reply);
    depth = reply != nullptr ? reply->depth : std::uint8_t{0};
  }
  xcb_ptr<xcb_generic_error_t> refused{raw_error};
  if (refused && refused->error_code == XCB_MATCH)
    return error{errc::invalid_request, "the rectangle is outside the screen"};
  if (view.data == nullptr)
    return x_.failure("GetImage");
  if (depth != 24 && depth != 32)
    return error{errc::unsupported, "the screen has " + std::to_string(depth) + " bits, not 24"};
  return view;
}

result<bgrx_view> capture::grab_all() {
  auto size = x_.root_size();
  if (!size)
    return size.error();
  return grab({0, 0, size->width, size->height});
}

} // namespace holt::desktop
