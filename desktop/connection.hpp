// SPDX-License-Identifier: Apache-2.0
#pragma once

// One connection to the X server with the extensions the desktop floor uses. Every object of this
// folder works on one of these and holds no connection of its own. Owned by one thread, which alone
// may use it; only abort() may be called from elsewhere. Replies block that thread as long as the X
// server stays silent: whoever must not hang calls abort() from outside. Never prints, never exits.

#include "desktop/geometry.hpp"
#include "messages/error.hpp"

#include <xcb/xcb.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace holt::desktop {

struct free_delete {
  void operator()(void* p) const noexcept { std::free(p); }
};

/// A reply or event that XCB allocated.
template <class T>
using xcb_ptr = std::unique_ptr<T, free_delete>;

using event_ptr = xcb_ptr<xcb_generic_event_t>;

struct display_address {
  std::string display;    ///< like ":3"; empty: $DISPLAY
  std::string xauthority; ///< cookie file; empty: $XAUTHORITY or ~/.Xauthority
};

/// Event numbers of the extensions; 0 where the extension is missing.
struct extension_events {
  std::uint8_t damage = 0;
  std::uint8_t randr = 0;
  std::uint8_t xfixes = 0;
  std::uint8_t xkb = 0;
};

class connection {
public:
  /// Connects and negotiates XTEST, XFIXES, DAMAGE, RANDR and XKB (all required) and MIT-SHM
  /// (optional). Errors: io (no server or refused), unsupported (extension missing).
  static result<std::unique_ptr<connection>> open(const display_address& where);

  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  xcb_connection_t* raw() const noexcept { return raw_; }
  xcb_window_t root() const noexcept { return root_; }
  std::uint8_t root_depth() const noexcept { return root_depth_; }
  xcb_visualid_t root_visual() const noexcept { return root_visual_; }
  const extension_events& events() const noexcept { return events_; }
  bool has_shm() const noexcept { return has_shm_; }

  /// The socket, for poll(). Drain next_event() before every poll: a reply that was waited for may
  /// have brought events along.
  int fd() const noexcept;

  /// The next event or null; never blocks.
  event_ptr next_event();

  void flush();

  /// The server is gone or broke the protocol; everything further fails with errc::io.
  bool lost() const noexcept;

  /// Size of the root window now (one round trip). rate is 0.
  result<screen_size> root_size();

  /// One round trip, to see that the server answers.
  result<void> ping();

  /// The atom of this name, made if need be.
  result<xcb_atom_t> atom(const char* name);

  /// Makes every present and later wait of the owner end with a lost connection. Any thread, as
  /// long as the object lives.
  void abort() noexcept;

  /// errc::io with what was tried, for a failed request.
  error failure(const char* what) const;

private:
  connection() = default;
  result<void> set_up();

  xcb_connection_t* raw_ = nullptr;
  xcb_window_t root_ = 0;
  xcb_visualid_t root_visual_ = 0;
  std::uint8_t root_depth_ = 0;
  bool has_shm_ = false;
  extension_events events_;
};

} // namespace holt::desktop
