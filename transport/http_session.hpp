// SPDX-License-Identifier: Apache-2.0
#pragma once

// One accepted connection. Internal to transport/.

#include "transport/http_core.hpp"

namespace holt::http {

/// Reads requests until the connection ends or becomes a WebSocket.
void start_session(std::unique_ptr<place> seat, socket_type socket,
                   const boost::asio::ip::tcp::endpoint& peer);

} // namespace holt::http
