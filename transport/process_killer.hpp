// SPDX-License-Identifier: Apache-2.0
#pragma once

// Runs sweeps off the I/O threads, on two threads of its own: a stuck tree delays one other at
// most. Owned by the runtime. Thread-safe; kill() never blocks.

#include "transport/process_sweep.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace holt {

class process_killer {
public:
  process_killer();
  /// Waits for the sweeps that run (each ends at its deadline); those that wait answer first too.
  ~process_killer();
  process_killer(const process_killer&) = delete;
  process_killer& operator=(const process_killer&) = delete;

  /// Kills the whole tree; `done` gets what is left of it, on a thread of the killer. The limit
  /// counts from the sweep's start.
  void kill(process_target target, std::chrono::milliseconds limit,
            std::function<void(sweep_result)> done);

private:
  struct threads;
  std::unique_ptr<threads> threads_;
};

} // namespace holt
