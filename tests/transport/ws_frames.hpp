// SPDX-License-Identifier: Apache-2.0
#pragma once

// WebSocket frames by hand (RFC 6455, section 5.2), for a peer that may break every rule.

#include "http_rig.hpp"

namespace rig {

struct frame_bits {
  bool fin = true;
  unsigned rsv = 0; ///< three bits
  bool masked = true;
  unsigned length_form = 0; ///< 0 shortest, else 16 or 64: written in that many bits
};

inline std::string frame(unsigned opcode, std::string_view payload, frame_bits bits = {}) {
  std::string out;
  out += static_cast<char>((bits.fin ? 0x80u : 0u) | (bits.rsv << 4) | opcode);
  const unsigned mask_bit = bits.masked ? 0x80u : 0u;
  const auto n = payload.size();
  if (bits.length_form == 0 && n < 126) {
    out += static_cast<char>(mask_bit | n);
  } else if (bits.length_form != 64 && n < 65536) {
    out += static_cast<char>(mask_bit | 126u);
    out += static_cast<char>(n >> 8);
    out += static_cast<char>(n & 0xff);
  } else {
    out += static_cast<char>(mask_bit | 127u);
    for (int shift = 56; shift >= 0; shift -= 8)
      out += static_cast<char>((static_cast<std::uint64_t>(n) >> shift) & 0xff);
  }
  if (!bits.masked)
    return out.append(payload);
  constexpr std::string_view key = "\x12\x34\x56\x78";
  out.append(key);
  for (std::size_t i = 0; i < n; ++i)
    out += static_cast<char>(payload[i] ^ key[i % 4]);
  return out;
}

inline std::string close_frame(unsigned code, std::string_view reason) {
  std::string payload;
  payload += static_cast<char>(code >> 8);
  payload += static_cast<char>(code & 0xff);
  return frame(8, payload.append(reason));
}

struct seen_frame {
  unsigned opcode = 0xff; ///< 0xff: the connection ended
  std::string payload;
  friend bool operator==(const seen_frame&, const seen_frame&) = default;
};

/// A raw client behind a finished handshake.
class ws_client_raw : public raw_client {
public:
  explicit ws_client_raw(std::uint16_t port, int receive_buffer = 0,
                         const std::string& target = "/ws")
    : raw_client{port, receive_buffer} {
    send(handshake(target));
    const auto reply = read_answer();
    if (reply.status != 101)
      throw std::runtime_error("no 101: " + reply.head + reply.body);
    head = reply.head;
  }
  seen_frame read() {
    if (!need(2))
      return {};
    const auto b0 = static_cast<unsigned char>(pending[0]);
    std::uint64_t n = static_cast<unsigned char>(pending[1]) & 0x7fu;
    std::size_t at = 2;
    if (n >= 126) {
      const std::size_t more = n == 126 ? 2 : 8;
      if (!need(2 + more))
        return {};
      n = 0;
      for (std::size_t i = 0; i < more; ++i)
        n = n << 8 | static_cast<unsigned char>(pending[at++]);
    }
    if (!need(at + n))
      return {};
    pending.erase(0, at);
    return {b0 & 0x0fu, take(n)};
  }
  std::string head;
};

} // namespace rig
