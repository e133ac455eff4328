// SPDX-License-Identifier: Apache-2.0
#pragma once

// Our terminal joined to that of a process of the sandbox over its WebSocket: keys and window size
// out, bytes in; goes on from the offset where it was when the connection breaks. Blocking: runs
// its own loop until the process ends, the detach keys come, or a signal does. One at a time.

#include "client/detach_keys.hpp"
#include "client/endpoint.hpp"

#include <chrono>
#include <optional>

namespace holt::client {

struct terminal_wish {
  std::string id;
  std::optional<std::uint64_t> offset; ///< begin there; nothing: with the newest 256 KiB
  bool live_only = false;              ///< nothing of what was printed before
  detach_keys keys;
  std::chrono::milliseconds patience{30'000}; ///< without a connection
};

struct terminal_end {
  enum class kind { exited, detached, signalled };
  kind how = kind::exited;
  std::optional<int> exit_code;
  std::optional<int> signal; ///< that ended the process, or us
  std::uint64_t lost = 0;    ///< bytes that were kept no more
  std::string complaint;     ///< the daemon's last; empty: none
};

/// not_found: there is no such process (any more); conflict: it has no terminal; no_daemon;
/// token_invalid. The terminal is as before, also after an error.
result<terminal_end> join_terminal(const endpoint& to, const terminal_wish& wish);

} // namespace holt::client
