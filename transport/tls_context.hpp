// SPDX-License-Identifier: Apache-2.0
#pragma once

// The inside of tls.hpp, for ws_client.cpp and its socket. Internal to transport/ (heavy includes).

#include "transport/tls.hpp"

#include <boost/asio/ssl/context.hpp>

namespace holt::http {

struct tls_client {
  boost::asio::ssl::context context{boost::asio::ssl::context::tls_client};
};

} // namespace holt::http
