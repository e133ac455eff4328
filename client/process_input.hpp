// SPDX-License-Identifier: Apache-2.0
#pragma once

// The way to the stdin of a process of the sandbox: pieces in order, one connection kept for all of
// them; waits while the process does not read. Blocking; one thread (the input's).

#include "client/api.hpp"

namespace holt::client {

class process_input {
public:
  /// Bytes of one piece, at most.
  static constexpr std::size_t piece = 48 * 1024;

  /// `to`'s wake_fd ends every wait.
  process_input(api to, std::string id) : api_{std::move(to)}, id_{std::move(id)} {}

  /// conflict: it does not take input any more; cancelled; io: whether it arrived is not known.
  result<void> write(std::string_view bytes);
  result<void> close();

private:
  result<void> post(const std::string& route, const std::string& body);

  api api_;
  std::string id_;
  std::unique_ptr<exchange> kept_;
  std::chrono::steady_clock::time_point used_;
};

} // namespace holt::client
