// SPDX-License-Identifier: Apache-2.0
#pragma once

// Both ends of what becomes 0, 1 and 2 of a child: pipes or a pseudo-terminal. Part of the spawner,
// on one of its threads. Everything it opens is close-on-exec.

#include "messages/process_spec.hpp"

#include <array>

namespace holt::detail {

struct stdio_wish {
  stdio_layout layout = stdio_layout::merged;
  bool input = false; ///< with `separate`: 0 is a pipe
  std::uint16_t columns = 80;
  std::uint16_t rows = 24;
  const process_user* owner = nullptr; ///< gets the terminal; null: stays ours
  int above = 3;                       ///< the child's ends have this number or a higher one
};

/// Closes what is still in it.
struct stdio_ends {
  std::array<int, 3> child{-1, -1, -1}; ///< blocking; may be one and the same
  int output = -1;                      ///< ours, these three non-blocking
  int errors = -1;
  int input = -1;

  stdio_ends() = default;
  stdio_ends(const stdio_ends&) = delete;
  stdio_ends& operator=(const stdio_ends&) = delete;
  ~stdio_ends();
};

/// 0 or an errno.
int open_stdio(const stdio_wish& wish, stdio_ends& into);

} // namespace holt::detail
