// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads a descriptor of any kind (terminal, pipe, file) on a thread of its own and hands on what
// comes, piece by piece. Never makes it non-blocking: the shell shares it. Its end is prompt, also
// while nothing comes.

#include <functional>
#include <string>
#include <thread>

namespace holt::client {

class input_pump {
public:
  /// On its thread: `take` until it answers false, then nothing more is read; `end` once at the
  /// end of the input, not when it was stopped.
  input_pump(int fd, std::size_t piece, std::function<bool(std::string)> take,
             std::function<void()> end);
  input_pump(const input_pump&) = delete;
  input_pump& operator=(const input_pump&) = delete;
  ~input_pump(); ///< stops, joins

  /// Readable once it is to stop: for what `take` waits for.
  int stop_fd() const noexcept { return stop_[0]; }
  void start();

private:
  void run();

  const int fd_;
  const std::size_t piece_;
  const std::function<bool(std::string)> take_;
  const std::function<void()> end_;
  int stop_[2] = {-1, -1};
  std::thread thread_;
};

} // namespace holt::client
