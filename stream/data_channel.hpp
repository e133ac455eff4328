// SPDX-License-Identifier: Apache-2.0
#pragma once

// neko's binary data channel: one byte of operation, a length of two bytes, a body. The length
// counts the body alone on the way in and header and body on the way out. Pure; any thread; safe
// on any input: the size of the message is trusted, the length only tells scrolls apart.

#include "messages/error.hpp"
#include "stream/byte_io.hpp"

#include <string>
#include <variant>
#include <vector>

namespace holt::stream {

struct pointer_moved {
  std::uint16_t x = 0; ///< pixels of the screen
  std::uint16_t y = 0;
  friend bool operator==(const pointer_moved&, const pointer_moved&) = default;
};

struct wheel_turned {
  std::int16_t dx = 0; ///< clicks, + left; DOM pixels, + right, for a marked viewer
  std::int16_t dy = 0; ///< clicks, + up; DOM pixels, + down, for a marked viewer
  bool control = false;
  friend bool operator==(const wheel_turned&, const wheel_turned&) = default;
};

struct key_changed {
  bool down = false;
  std::uint32_t keysym = 0;
  friend bool operator==(const key_changed&, const key_changed&) = default;
};

struct button_changed {
  bool down = false;
  std::uint32_t button = 0; ///< 1 left, 2 middle, 3 right
  friend bool operator==(const button_changed&, const button_changed&) = default;
};

struct ping_asked {
  std::uint32_t high = 0; ///< opaque, goes back as it came
  std::uint32_t low = 0;
  friend bool operator==(const ping_asked&, const ping_asked&) = default;
};

/// Touch is read so that it is not an error; nothing is done with it.
struct touch_changed {
  std::uint8_t operation = 0; ///< 8 begin, 9 update, 10 end
  std::uint32_t id = 0;
  std::int32_t x = 0;
  std::int32_t y = 0;
  std::uint8_t pressure = 0;
  friend bool operator==(const touch_changed&, const touch_changed&) = default;
};

using channel_input = std::variant<pointer_moved, wheel_turned, key_changed, button_changed,
                                   ping_asked, touch_changed>;

/// One message of a viewer.
result<channel_input> decode_channel_input(bytes_view message);

std::vector<std::uint8_t> encode_cursor_position(std::uint16_t x, std::uint16_t y);

/// The length field holds the size modulo 65,536, as neko's does.
std::vector<std::uint8_t> encode_cursor_image(std::uint16_t width, std::uint16_t height,
                                              std::uint16_t hot_x, std::uint16_t hot_y,
                                              bytes_view png);

/// `server_ms`: our clock, milliseconds since 1970; split by 2^32-1 as neko does.
std::vector<std::uint8_t> encode_pong(const ping_asked& ping, std::uint64_t server_ms);

} // namespace holt::stream
