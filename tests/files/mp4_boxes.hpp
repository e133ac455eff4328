// SPDX-License-Identifier: Apache-2.0
#pragma once

// Fragmented MP4 files with as little in them as counts for `files/mp4_fragments`: boxes, and two
// tracks with their times. Header only, shared by the test programs of files and actors.

#include <cstdint>
#include <string>

namespace holt::test::mp4 {

inline std::string big(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i)
    out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

inline std::string box(const std::string& type, const std::string& body) {
  return big(body.size() + 8, 4) + type + body;
}

inline std::string track(unsigned id, std::uint64_t time) {
  return box("traf", box("tfhd", big(0, 4) + big(id, 4))
                       + box("tfdt", std::string("\1\0\0\0", 4) + big(time, 8)));
}

inline std::string fragment(std::uint64_t time, const std::string& pictures) {
  return box("moof", box("mfhd", big(0, 8)) + track(1, time) + track(2, time))
         + box("mdat", pictures);
}

inline std::string header() {
  return box("ftyp", "iso5") + box("moov", "tracks");
}

} // namespace holt::test::mp4
