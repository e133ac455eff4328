// SPDX-License-Identifier: Apache-2.0
#pragma once

// An ICE-lite agent (RFC 8445) of one viewer: answers the browser's checks, follows the path that
// the browser chooses and knows when consent (RFC 7675) has run out. Owned by a peer; pure: the
// clock is passed in, bytes go out through the caller. It never sends checks of its own.

#include "stream/stun.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace holt::stream {

using steady_time = std::chrono::steady_clock::time_point;

/// Time without a valid check after which a viewer that was there is gone.
inline constexpr std::chrono::seconds consent_timeout{10};

/// `n` random characters of the ICE alphabet.
std::string random_ice_text(std::size_t n);

class ice_agent {
public:
  ice_agent() : ice_agent(random_ice_text(8), random_ice_text(24)) {}
  ice_agent(std::string ufrag, std::string password)
    : ufrag_(std::move(ufrag)), password_(std::move(password)) {}

  const std::string& ufrag() const noexcept { return ufrag_; }
  const std::string& password() const noexcept { return password_; }

  /// From the answer; until then any remote half of USERNAME is taken, since a browser's first
  /// checks overtake its answer.
  void set_remote_ufrag(std::string ufrag) { remote_ufrag_ = std::move(ufrag); }

  /// What a check did.
  struct verdict {
    std::size_t reply_bytes = 0; ///< length of the answer in `out`; 0: refused, send nothing
    bool route_changed = false;
  };

  /// One check that names this agent's ufrag. `out` takes the answer, at least 128 bytes.
  verdict check(bytes_view message, const stun_request& request, const udp_endpoint& from,
                steady_time now, bytes_span out);

  /// Where to send; empty until the first valid check.
  const std::optional<udp_endpoint>& route() const noexcept { return route_; }

  /// True when there was a route and the last valid check is too long ago.
  bool consent_lost(steady_time now) const noexcept {
    return route_ && now - last_check_ > consent_timeout;
  }

private:
  std::string ufrag_;
  std::string password_;
  std::string remote_ufrag_;
  std::optional<udp_endpoint> route_;
  steady_time last_check_{};
};

/// The part of USERNAME in front of the colon: the ufrag of the agent that is meant.
std::string_view local_ufrag(const stun_request& request) noexcept;

} // namespace holt::stream
