// SPDX-License-Identifier: Apache-2.0

// The server's half of the handshake. The request was checked by http_upgrade.

#include "messages/command.hpp"
#include "transport/ws_server.hpp"

#include <openssl/sha.h>

namespace holt::http {

namespace {

/// RFC 6455, section 4.2.2.
std::string accept_key(std::string_view key) {
  const auto text = std::string{key} + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return to_base64({reinterpret_cast<const char*>(digest), sizeof(digest)});
}

} // namespace

void accept_websocket(std::unique_ptr<place> seat, socket_type socket, ws_accept_request what) {
  seat->websocket();
  std::string answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Accept: "
                       + accept_key(what.head.header_value("Sec-WebSocket-Key")) + "\r\n";
  for (const auto& h : what.headers)
    if (h.name.find_first_of("\r\n:") == std::string::npos
        && h.value.find_first_of("\r\n") == std::string::npos)
      answer += h.name + ": " + h.value + "\r\n";
  std::make_shared<ws_server>(std::move(socket), std::move(seat), what.limits,
                              std::move(what.handlers))
    ->begin(answer + "\r\n", what.opened);
}

} // namespace holt::http
