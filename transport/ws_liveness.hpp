// SPDX-License-Identifier: Apache-2.0
#pragma once

// What both ends of a WebSocket do the same way: the timer that finds a silent peer and ends a
// close handshake that nobody answers, and what may stand in a close frame. Internal to transport/;
// owned by the session, on its strand. Sends nothing itself.

#include "transport/http_core.hpp"

#include <memory>
#include <string_view>

namespace holt::http {

/// Bytes of bookkeeping that one queued message costs: a flood of empty ones is bounded, too.
constexpr std::size_t ws_item_cost = 64;

/// RFC 6455, section 7.4: the code itself where it may stand in a close frame, else 1011.
std::uint16_t ws_sendable(std::uint16_t code) noexcept;

/// At most 123 bytes, cut between characters.
std::string_view ws_fitting(std::string_view reason) noexcept;

class ws_liveness {
public:
  explicit ws_liveness(timer_type::executor_type where) : timer_{std::move(where)} {}

  /// Calls `owner->late()` once `after` has passed, unless armed anew or stopped; keeps it alive.
  template <class Owner>
  void arm(std::shared_ptr<Owner> owner, std::chrono::milliseconds after) {
    timer_.expires_after(after);
    timer_.async_wait([this, owner = std::move(owner)](boost::system::error_code ec) {
      if (!ec && timer_.expiry() <= std::chrono::steady_clock::now())
        owner->late();
    });
  }
  void stop() { timer_.cancel(); }

  /// Something came from the peer.
  void heard() noexcept { silent_ticks_ = 0; }

  enum class beat : std::uint8_t { pause, ping, silent };
  /// A period passed: what is due. `listening`: we read; out of credit the peer's pongs wait behind
  /// messages, and it cannot be called silent.
  beat tick(bool listening) noexcept;

private:
  timer_type timer_;
  unsigned silent_ticks_ = 0;
};

} // namespace holt::http
