// SPDX-License-Identifier: Apache-2.0
#pragma once

// How far a transfer is, as one line on stderr that is written over, at most ten times a second and
// only on a terminal. Owned by the verb; one thread.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace holt::client {

class progress {
public:
  explicit progress(std::string what);
  ~progress(); ///< takes the line away
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  void total(std::optional<std::uint64_t> bytes) { total_ = bytes; }
  void add(std::uint64_t bytes);
  std::uint64_t bytes() const noexcept { return bytes_; }

private:
  using clock = std::chrono::steady_clock;
  std::string what_;
  const bool shown_;
  bool any_ = false;
  std::optional<std::uint64_t> total_;
  std::uint64_t bytes_ = 0;
  clock::time_point began_ = clock::now();
  clock::time_point said_ = began_;
};

} // namespace holt::client
