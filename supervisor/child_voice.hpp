// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a port inside the daemon remembers of the present run of its child, and how it speaks about
// it: lock, look, let go, then tell. Owned by the port, thread-safe; never calls the sink while it
// holds its lock.

#include "supervisor/child_port.hpp"

#include <mutex>
#include <utility>

namespace holt::supervision {

class child_voice {
public:
  void begin(generation gen, event_sink sink) {
    std::lock_guard guard{mutex_};
    gen_ = gen;
    sink_ = std::move(sink);
  }

  /// Runs `what` under the lock when `gen` is the present run; false when it is not. `what` guards
  /// with this what belongs to the run, and tells nothing.
  template <class F>
  bool during(generation gen, F what) {
    std::lock_guard guard{mutex_};
    if (gen != gen_)
      return false;
    what();
    return true;
  }

  /// The same whichever run it is.
  template <class F>
  void locked(F what) {
    std::lock_guard guard{mutex_};
    what();
  }

  /// About that run; the supervisor drops what is about an earlier one.
  void tell(generation gen, child_event what) const {
    event_sink sink;
    {
      std::lock_guard guard{mutex_};
      sink = sink_;
    }
    if (sink)
      sink(gen, std::move(what));
  }

  /// About the present run.
  void tell(child_event what) const {
    generation gen{};
    {
      std::lock_guard guard{mutex_};
      gen = gen_;
    }
    tell(gen, std::move(what));
  }

private:
  mutable std::mutex mutex_;
  generation gen_{};
  event_sink sink_;
};

} // namespace holt::supervision
