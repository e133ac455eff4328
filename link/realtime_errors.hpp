// SPDX-License-Identifier: Apache-2.0
#pragma once

// What Realtime's words of failure mean for the client: the reason of a refused join, the message
// of a `system` event, the HTTP status of a refused handshake. Pure; made of the server's own lists
// (the codes of ERROR_CODES.md). Text of the server is shown cut and cleaned.

#include "messages/error.hpp"

#include <string>
#include <string_view>

namespace holt::link::realtime {

enum class failure : std::uint8_t {
  retry,   ///< may pass by itself: back-off
  expired, ///< a fresh token is needed
  fatal,   ///< somebody must change the configuration; tried again slowly
  rate,    ///< a limit of the project: wait at least its window
};

struct verdict {
  failure kind = failure::retry;
  error why;
};

/// `reason` of a join's error reply: "<Code>: <text>" or text alone.
verdict judge_join(std::string_view reason);
/// `message` of a `system` event with status error; phx_close follows it.
verdict judge_system(std::string_view message);
/// The server answered the handshake with `status` instead of 101.
verdict judge_refusal(unsigned status, std::string_view body);

/// At most 200 bytes, printable, valid UTF-8.
std::string shown(std::string_view text);

} // namespace holt::link::realtime
