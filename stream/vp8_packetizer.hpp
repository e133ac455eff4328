// SPDX-License-Identifier: Apache-2.0
#pragma once

// How a VP8 picture becomes RTP payloads (RFC 7741): even slices behind a descriptor of four bytes
// with a 15-bit picture id. Pure; any thread; it never copies the picture.

#include "stream/byte_io.hpp"

#include <array>
#include <vector>

namespace holt::stream {

/// Most bytes of a picture in one packet: with all headers it stays below 1,200 bytes of UDP.
inline constexpr std::size_t vp8_slice_bytes = 1140;
inline constexpr std::size_t vp8_descriptor_bytes = 4;

struct vp8_slice {
  std::uint32_t offset = 0; ///< into the picture
  std::uint16_t size = 0;   ///< bytes
};

/// Slices of nearly equal size, none larger than `most`; none for an empty picture.
std::vector<vp8_slice> split_vp8(std::size_t picture_bytes, std::size_t most = vp8_slice_bytes);

/// The descriptor of one slice. `picture_id` is taken modulo 2^15.
std::array<std::uint8_t, vp8_descriptor_bytes> vp8_descriptor(bool first,
                                                              std::uint16_t picture_id) noexcept;

} // namespace holt::stream
