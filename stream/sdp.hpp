// SPDX-License-Identifier: Apache-2.0
#pragma once

// The two session descriptions of a viewer: the offer that we write and what we take from the
// browser's answer. Always three m-lines in one bundle: audio (mid 0), video (mid 1), data channel
// (mid 2). Pure; any thread; an answer is outside input and is checked, not trusted.

#include "messages/error.hpp"
#include "stream/rtp.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace holt::stream {

/// SHA-256 of a certificate.
using fingerprint = std::array<std::uint8_t, 32>;

/// "AB:CD:…", as in `a=fingerprint:sha-256`.
std::string to_text(const fingerprint& value);

/// One address at which media can be reached, in order of preference.
struct media_candidate {
  std::string address; ///< numeric; may differ from the one that is bound
  std::uint16_t port = 0;
  bool tcp = false; ///< passive ICE-TCP instead of UDP
};

struct media_ssrcs {
  std::uint32_t audio = 0;
  std::uint32_t video = 0;
  std::uint32_t rtx = 0;
};

struct offer_input {
  std::uint64_t session_id = 0;
  std::string ufrag;
  std::string password;
  fingerprint certificate{};
  std::vector<media_candidate> candidates;
  media_ssrcs ssrcs;
  std::string cname;
};

std::string write_offer(const offer_input& in);

/// What an answer says.
struct answer {
  fingerprint certificate{};
  std::string ufrag;
  std::string password;
  bool audio = false;        ///< the browser takes sound
  bool rtx = false;          ///< it takes retransmissions on a stream of their own
  rtp_extensions extensions; ///< of the video
};

inline constexpr std::size_t largest_answer = 64 * 1024;

/// Refuses with a reason that is fit for `signal/close`.
result<answer> parse_answer(std::string_view sdp);

} // namespace holt::stream
