// SPDX-License-Identifier: Apache-2.0
#pragma once

// Our own terminal in raw mode, and as it was again on every way out: the object's end, exit(), a
// crash. One at a time in a process.

#include <optional>

namespace holt::client {

struct terminal_size {
  unsigned columns = 0;
  unsigned rows = 0;
};

/// Of stdout, else stdin; nothing when neither is a terminal that knows it.
std::optional<terminal_size> window_size();

class raw_terminal {
public:
  /// Of stdin.
  raw_terminal();
  raw_terminal(const raw_terminal&) = delete;
  raw_terminal& operator=(const raw_terminal&) = delete;
  ~raw_terminal();
  void leave(); ///< for a while: job control
  void enter();
};

} // namespace holt::client
