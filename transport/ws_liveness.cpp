// SPDX-License-Identifier: Apache-2.0
#include "transport/ws_liveness.hpp"

namespace holt::http {

std::uint16_t ws_sendable(std::uint16_t code) noexcept {
  const bool fine = (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006)
                    || (code >= 3000 && code <= 4999);
  return fine ? code : std::uint16_t{1011};
}

std::string_view ws_fitting(std::string_view reason) noexcept {
  if (reason.size() <= 123)
    return reason;
  std::size_t end = 123;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xc0) == 0x80)
    --end;
  return reason.substr(0, end);
}

ws_liveness::beat ws_liveness::tick(bool listening) noexcept {
  if (!listening) {
    silent_ticks_ = 0;
    return beat::pause;
  }
  return ++silent_ticks_ > 3 ? beat::silent : beat::ping;
}

} // namespace holt::http
