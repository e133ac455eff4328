// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the room needs from screen, input, cursor and clipboard, as one interface: the engine's
// sources behind it, a fake in tests. Owned by the engine; called on the io thread, never blocks;
// completions come back on the io thread.

#include "desktop/cursor.hpp"
#include "messages/error.hpp"
#include "stream/media.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holt::stream {

class room_media {
public:
  using resized = std::function<void(result<screen_size>)>;
  using shot_taken = std::function<void(result<std::vector<std::uint8_t>>)>;

  virtual ~room_media() = default;

  /// An error while there is no picture to be had: its detail is told to the viewer.
  virtual result<void> healthy() const = 0;

  // -- screen
  virtual screen_size size() const = 0;
  virtual void resize(screen_size wanted, resized done) = 0;
  virtual void shot(int quality, shot_taken done) = 0;

  // -- input; `viewer` tells apart who holds what
  virtual void move(std::uint64_t viewer, int x, int y) = 0;
  virtual void scroll(std::uint64_t viewer, int dx, int dy, bool control) = 0;
  virtual void key(std::uint64_t viewer, std::uint32_t keysym, bool down) = 0;
  virtual void button(std::uint64_t viewer, std::uint32_t number, bool down) = 0;
  /// Everything that this viewer holds.
  virtual void release(std::uint64_t viewer) = 0;
  virtual void forget(std::uint64_t viewer) = 0;
  virtual void set_dom_wheel(std::uint64_t viewer, bool on) = 0;

  // -- cursor and clipboard
  virtual std::shared_ptr<const desktop::cursor_image> cursor() const = 0;
  virtual desktop::pointer_position pointer() const = 0;
  virtual result<void> set_clipboard(std::string text) = 0;
  virtual std::string clipboard() const = 0;
};

} // namespace holt::stream
