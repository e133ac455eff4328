// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a WebSocket client sends, byte by byte, as messages and control frames (RFC 6455, section
// 5): unmasks, joins fragments, checks every rule. And the head of a server's frame. Pure; keeps
// only the frame that is not whole yet.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace holt::http {

class ws_reader {
public:
  enum class step : std::uint8_t {
    more,   ///< all bytes are taken, nothing is whole yet
    text,   ///< payload() is a message
    binary, ///< so it is here
    ping,   ///< payload() is to be sent back
    pong,
    close, ///< code() and payload(): why
    fault, ///< the connection must fail with code()
  };

  explicit ws_reader(std::size_t max_message) : max_message_{max_message} {}

  /// Takes bytes off the front of `bytes` until one thing is whole or none is left.
  step next(std::string_view& bytes);

  std::string& payload() noexcept { return out_; }
  /// Of a close: 1005 when it had none.
  std::uint16_t code() const noexcept { return code_; }
  /// For people; of a fault.
  const char* why() const noexcept { return why_; }

private:
  step fail(std::uint16_t code, const char* why) noexcept;
  step head_done();
  step frame_done();
  std::size_t head_size() const noexcept;

  const std::size_t max_message_;
  std::array<unsigned char, 14> head_{};
  std::uint8_t have_ = 0;     ///< bytes of the head
  bool in_payload_ = false;   ///< the head is whole
  bool fragmented_ = false;   ///< a message is under way
  std::uint8_t first_op_ = 0; ///< its opcode
  std::uint16_t code_ = 0;
  const char* why_ = "";
  std::uint64_t left_ = 0; ///< bytes of this frame's payload to come
  std::array<unsigned char, 4> key_{};
  std::size_t masked_ = 0; ///< bytes of it unmasked so far
  std::string message_;    ///< data frames
  std::string control_;
  std::string out_;
};

/// Bytes of a server's frame before its payload: not masked, not in parts.
struct ws_head {
  std::array<char, 10> bytes{};
  std::uint8_t size = 0;
  std::string_view view() const noexcept { return {bytes.data(), size}; }
};
ws_head ws_server_head(unsigned opcode, std::size_t payload) noexcept;

} // namespace holt::http
