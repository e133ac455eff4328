// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whether a peer has read what it was sent: a numbered ping stands behind it, and its pong is the
// proof (RFC 6455, section 5.5.3: a peer may answer the last of several pings only). What the
// kernel took is no proof. Thread-safe; never blocks.

#include "transport/http_types.hpp"

namespace holt::http {

/// A WebSocket that can ask its peer.
class ws_prover {
public:
  virtual ~ws_prover() = default;
  /// `read` on the connection's strand once the peer has read all that was sent up to here; never
  /// when the connection ends before.
  virtual void when_read(std::function<void()> read) = 0;
};

} // namespace holt::http
