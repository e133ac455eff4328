// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads the screen: the root window or a rectangle of it, into one shared memory segment that is
// kept, or by plain GetImage where the server refuses shared memory. The pointer is not in the
// picture. Works on the thread of its connection; must not outlive it.

#include "desktop/connection.hpp"
#include "desktop/picture.hpp"

namespace holt::desktop {

class capture {
public:
  explicit capture(connection& x);
  ~capture();
  capture(const capture&) = delete;
  capture& operator=(const capture&) = delete;

  /// The pixels of `area`, which must lie inside the screen; valid until the next grab. Errors:
  /// invalid_request (outside: the screen has just shrunk), unsupported (not 24 bit), io.
  result<bgrx_view> grab(rectangle area);

  /// The whole screen as it is now.
  result<bgrx_view> grab_all();

  bool uses_shm() const noexcept { return segment_ != nullptr; }

private:
  bool make_segment(std::size_t bytes);
  void drop_segment();

  connection& x_;
  bool try_shm_;
  std::uint32_t shm_id_ = 0;
  std::uint8_t* segment_ = nullptr;
  std::size_t segment_bytes_ = 0;
  xcb_ptr<void> reply_; ///< of GetImage
};

} // namespace holt::desktop
