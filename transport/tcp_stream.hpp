// SPDX-License-Identifier: Apache-2.0
#pragma once

// One connection to a server for a program that does one thing at a time (the verbs): blocking
// reads and writes with a limit each, plain or over TLS, straight or through a proxy. A descriptor
// that becomes readable ends every wait (`cancelled`). One thread at a time; never used by the
// daemon.

#include "transport/proxy.hpp"
#include "transport/tls.hpp"

#include <chrono>
#include <cstddef>
#include <memory>

namespace holt::http {

struct tcp_target {
  std::string host; ///< address or name
  std::uint16_t port = 0;
  tls_client_ptr tls;                        ///< null: plain
  std::optional<proxy> via;                  ///< nothing: straight
  std::chrono::milliseconds connect{10'000}; ///< for the connection, TLS included
  int wake_fd = -1;                          ///< readable: every wait ends; -1: none
};

class tcp_stream {
public:
  /// timeout, io, cancelled.
  static result<std::unique_ptr<tcp_stream>> connect(const tcp_target& to);
  virtual ~tcp_stream() = default;

  /// At least one byte; 0 at the peer's end. timeout, io, cancelled.
  virtual result<std::size_t> read(char* into, std::size_t room, std::chrono::milliseconds limit)
    = 0;
  /// All of it. `false` when the peer said something, or ended, before all was written: nobody
  /// says anything in the middle of a request but to refuse it. timeout, io, cancelled.
  virtual result<bool> write(const char* from, std::size_t size, std::chrono::milliseconds limit)
    = 0;
  /// Whether the peer ended the connection or said something that nobody has read.
  virtual bool disturbed() const = 0;
};

} // namespace holt::http
