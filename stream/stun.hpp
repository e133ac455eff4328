// SPDX-License-Identifier: Apache-2.0
#pragma once

// The part of STUN (RFC 8489) that an ICE-lite agent needs: read a binding request, prove its
// integrity, write the answer. Pure: bytes in, bytes out; any thread; safe on any input.

#include "messages/error.hpp"
#include "stream/byte_io.hpp"

#include <boost/asio/ip/udp.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace holt::stream {

using udp_endpoint = boost::asio::ip::udp::endpoint;
using transaction_id = std::array<std::uint8_t, 12>;

/// A binding request with a right fingerprint. The views point into the parsed message.
struct stun_request {
  transaction_id transaction{};
  std::string_view username;  ///< "ours:theirs"
  bool use_candidate = false; ///< the browser chose this path
  std::optional<std::uint32_t> priority;
  std::size_t integrity_at = 0; ///< offset of the MESSAGE-INTEGRITY attribute
};

/// Refused: anything but a well-formed binding request with MESSAGE-INTEGRITY and FINGERPRINT.
result<stun_request> parse_stun_request(bytes_view message);

/// True when the request was made with this password.
bool stun_integrity_holds(bytes_view message, const stun_request& request,
                          std::string_view password);

/// The success response: XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY, FINGERPRINT.
/// Answers its length in bytes; 0 when `out` is too small (128 always suffice).
std::size_t write_stun_success(bytes_span out, const transaction_id& transaction,
                               const udp_endpoint& mapped, std::string_view password);

/// CRC-32 (ISO 3309), as FINGERPRINT uses it before its own xor.
std::uint32_t crc32(bytes_view data) noexcept;

} // namespace holt::stream
