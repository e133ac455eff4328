// SPDX-License-Identifier: Apache-2.0
#include "stream/data_channel.hpp"

namespace holt::stream {

namespace {

constexpr std::size_t header_bytes = 3;

std::vector<std::uint8_t> finish(std::vector<std::uint8_t> buffer, const byte_writer& w) {
  buffer.resize(w.size());
  return buffer;
}

} // namespace

result<channel_input> decode_channel_input(bytes_view message) {
  byte_reader in{message};
  auto operation = in.u8();
  auto length = in.u16();
  channel_input out;
  switch (operation) {
  case 1: {
    pointer_moved v;
    v.x = in.u16();
    v.y = in.u16();
    out = v;
    break;
  }
  case 2: {
    wheel_turned v;
    v.dx = in.i16();
    v.dy = in.i16();
    if (length == 5)
      v.control = in.u8() != 0;
    out = v;
    break;
  }
  case 3:
  case 4: out = key_changed{operation == 3, in.u32()}; break;
  case 5:
  case 6: out = button_changed{operation == 5, in.u32()}; break;
  case 7: {
    ping_asked v;
    v.high = in.u32();
    v.low = in.u32();
    out = v;
    break;
  }
  case 8:
  case 9:
  case 10: {
    touch_changed v;
    v.operation = operation;
    v.id = in.u32();
    v.x = in.i32();
    v.y = in.i32();
    v.pressure = in.u8();
    out = v;
    break;
  }
  default: return error{errc::invalid_request, "unknown data channel operation"};
  }
  if (!in.ok())
    return error{errc::invalid_request, "short data channel message"};
  return out;
}

std::vector<std::uint8_t> encode_cursor_position(std::uint16_t x, std::uint16_t y) {
  std::vector<std::uint8_t> out(header_bytes + 4);
  byte_writer w{out};
  w.u8(1);
  w.u16(static_cast<std::uint16_t>(out.size()));
  w.u16(x);
  w.u16(y);
  return finish(std::move(out), w);
}

std::vector<std::uint8_t> encode_cursor_image(std::uint16_t width, std::uint16_t height,
                                              std::uint16_t hot_x, std::uint16_t hot_y,
                                              bytes_view png) {
  std::vector<std::uint8_t> out(header_bytes + 8 + png.size());
  byte_writer w{out};
  w.u8(2);
  w.u16(static_cast<std::uint16_t>(out.size()));
  w.u16(width);
  w.u16(height);
  w.u16(hot_x);
  w.u16(hot_y);
  w.bytes(png);
  return finish(std::move(out), w);
}

std::vector<std::uint8_t> encode_pong(const ping_asked& ping, std::uint64_t server_ms) {
  constexpr std::uint64_t split = 0xffffffff;
  std::vector<std::uint8_t> out(header_bytes + 16);
  byte_writer w{out};
  w.u8(3);
  w.u16(static_cast<std::uint16_t>(out.size()));
  w.u32(ping.high);
  w.u32(ping.low);
  w.u32(static_cast<std::uint32_t>(server_ms / split));
  w.u32(static_cast<std::uint32_t>(server_ms % split));
  return finish(std::move(out), w);
}

} // namespace holt::stream
