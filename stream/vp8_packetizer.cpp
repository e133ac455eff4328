// SPDX-License-Identifier: Apache-2.0
#include "stream/vp8_packetizer.hpp"

namespace holt::stream {

std::vector<vp8_slice> split_vp8(std::size_t picture_bytes, std::size_t most) {
  std::vector<vp8_slice> slices;
  if (picture_bytes == 0 || most == 0)
    return slices;
  auto count = (picture_bytes + most - 1) / most;
  auto base = picture_bytes / count;
  auto longer = picture_bytes % count; // the first so many take one byte more
  slices.reserve(count);
  std::size_t offset = 0;
  for (std::size_t i = 0; i < count; ++i) {
    auto size = base + (i < longer ? 1 : 0);
    slices.push_back({static_cast<std::uint32_t>(offset), static_cast<std::uint16_t>(size)});
    offset += size;
  }
  return slices;
}

std::array<std::uint8_t, vp8_descriptor_bytes> vp8_descriptor(bool first,
                                                              std::uint16_t picture_id) noexcept {
  constexpr std::uint8_t extended = 0x80;
  constexpr std::uint8_t start_of_partition = 0x10;
  constexpr std::uint8_t has_picture_id = 0x80;
  return {static_cast<std::uint8_t>(extended | (first ? start_of_partition : 0)), has_picture_id,
          static_cast<std::uint8_t>(0x80 | (picture_id >> 8 & 0x7f)),
          static_cast<std::uint8_t>(picture_id)};
}

} // namespace holt::stream
