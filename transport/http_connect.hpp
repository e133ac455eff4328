// SPDX-License-Identifier: Apache-2.0
#pragma once

// A TCP connection to an address or a name, for the two clients. Internal to transport/; runs on
// the given strand. A name is looked up by Asio's own thread.

#include "transport/http_core.hpp"

namespace holt::http {

/// Calls `done` once, on the strand. The returned function, also for the strand, gives up: `done`
/// then gets operation_aborted. Sets TCP_NODELAY.
std::function<void()> connect_to(const strand_type& strand, const std::string& host,
                                 std::uint16_t port,
                                 std::function<void(boost::system::error_code, socket_type)> done);

} // namespace holt::http
