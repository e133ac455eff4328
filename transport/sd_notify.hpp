// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tells the service manager (systemd, or a test) how we are: one datagram to $NOTIFY_SOCKET.
// Callable from any thread; never blocks; no library.

#include "messages/error.hpp"

#include <string_view>

namespace holt {

/// `state` such as "READY=1\nSTATUS=serving" or "STOPPING=1". Nothing to do without the variable;
/// `io` when the socket does not take it.
result<void> sd_notify(std::string_view state);

/// The same to a socket by name: a path, or '@' and an abstract name.
result<void> sd_notify_to(std::string_view socket, std::string_view state);

} // namespace holt
