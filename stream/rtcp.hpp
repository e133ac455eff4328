// SPDX-License-Identifier: Apache-2.0
#pragma once

// RTCP (RFC 3550, 4585, 5104): what a viewer reports, and the sender reports that we write.
// Pure; runs on the io thread; safe on any input.

#include "stream/byte_io.hpp"

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

namespace holt::stream {

/// Everything of one compound packet that concerns us.
struct rtcp_feedback {
  bool key_wanted = false;               ///< PLI or FIR for the video
  bool bye = false;                      ///< the viewer left
  std::vector<std::uint16_t> lost;       ///< NACKed numbers of the video, at most 1,024
  std::optional<std::uint64_t> estimate; ///< REMB, bit/s
  struct report {
    std::uint8_t fraction_lost = 0; ///< of 256, since the last report
    std::uint32_t last_sr = 0;      ///< middle 32 bits of the NTP time of our report; 0: none
    std::uint32_t delay = 0;        ///< since it arrived there, in 1/65536 s
  };
  std::optional<report> video; ///< the receiver report about the video
};

/// Reads as far as the packet is well-formed.
rtcp_feedback parse_rtcp(bytes_view compound, std::uint32_t video_ssrc);

struct sender_report {
  std::uint32_t ssrc = 0;
  std::chrono::system_clock::time_point now;
  std::uint32_t rtp_timestamp = 0; ///< of `now` on the clock of this stream
  std::uint32_t packets = 0;
  std::uint32_t octets = 0; ///< of payload
};

/// SR and SDES with this CNAME; answers the length in bytes, 0 when `out` is too small.
std::size_t write_sender_report(bytes_span out, const sender_report& report,
                                std::string_view cname) noexcept;

/// 64-bit NTP time stamp (RFC 5905).
std::uint64_t ntp_time(std::chrono::system_clock::time_point when) noexcept;

/// Round trip of a receiver report; nothing when it answers no report of ours.
std::optional<std::chrono::microseconds>
round_trip(const rtcp_feedback::report& report, std::chrono::system_clock::time_point now) noexcept;

} // namespace holt::stream
