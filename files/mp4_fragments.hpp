// SPDX-License-Identifier: Apache-2.0
#pragma once

// What is whole in a fragmented MP4 file, and joining two of them that were made alike. Looks at
// the outermost boxes only (ISO/IEC 14496-12, section 4.2); never at pictures. Blocking; no state.

#include "messages/error.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace holt::files {

struct fragment_map {
  std::uint64_t header_end = 0; ///< where the first fragment begins; 0: there is no header yet
  std::uint64_t whole_end = 0;  ///< end of the last whole fragment, else of the header
  std::uint64_t fragments = 0;  ///< whole ones
};

/// Up to `n` bytes from `offset` into `to`; how many there were.
using byte_reader = std::function<std::size_t(std::uint64_t offset, char* to, std::size_t n)>;

/// Never reads beyond `size`; what follows a broken box is not looked at.
fragment_map map_fragments(std::uint64_t size, const byte_reader& read);
result<fragment_map> map_fragments(const std::string& path);

/// Cuts off what a killed writer left half-written. io.
result<fragment_map> cut_to_whole(const std::string& path);

/// Ticks a second of the tracks, as all of our files have them: the first is the picture.
struct track_clocks {
  std::uint32_t picture = 90'000;
  std::uint32_t sound = 48'000;
};

/// Moves a moof box (whole, in `bytes`) by `by` in time: adds to every 64-bit tfdt.
void delay_fragment(std::string& bytes, std::chrono::milliseconds by,
                    const track_clocks& clocks = {});

/// When the samples of a moof box (whole, in `bytes`) are over, of the track that ends last.
std::chrono::milliseconds fragment_end(const std::string& bytes, const track_clocks& clocks = {});

/// Puts the fragments of `from`, later by `by` and at least so that none begins before the end of
/// `to`, behind those of `to`, which is cut to what is whole first. no_space, io.
result<void> join_fragments(const std::string& to, const std::string& from,
                            std::chrono::milliseconds by);

} // namespace holt::files
