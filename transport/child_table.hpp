// SPDX-License-Identifier: Apache-2.0
#pragma once

// The pids that have an owner who will wait for them. Shared by spawner, processes and reaper. A
// start is told of before its fork and after its pid is entered, so that the reaper cannot take a
// child that ends at once for a stranger. Thread-safe.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <sys/types.h>

namespace holt {

class child_table {
public:
  std::mutex& lock() noexcept { return mutex_; }
  /// A fork follows; the number of this start.
  std::uint64_t begin();
  /// `pid` came of it and has an owner now, or (`lives` false) was waited for; 0: nothing came.
  void end(std::uint64_t start, pid_t pid, bool lives);
  /// Whether one that has ended, and was not waited for yet, has no owner and will have none: no
  /// start that is under way can have made it. 0: none has ended. With the lock held.
  bool stranger(pid_t pid);
  /// Takes the lock: the owner has waited for it.
  void release(pid_t pid);
  /// Called without the lock, on the thread that made a change, when the last answer of stranger()
  /// may be another now.
  void on_change(std::function<void()> hook);
  std::size_t size() const noexcept { return size_; }

private:
  void changed();

  std::mutex mutex_;
  std::mutex hook_mutex_;
  std::atomic<std::size_t> size_{0};
  std::map<pid_t, unsigned> owned_; // counted: a number may come back before its release
  std::set<std::uint64_t> starts_;  ///< under way
  std::uint64_t last_start_ = 0;
  bool blocked_ = false;            ///< the one that was asked about last may have an owner
  pid_t suspect_ = 0;               ///< seen while starts were under way; 0: none
  std::uint64_t suspect_since_ = 0; ///< the newest start then
  std::function<void()> hook_;
};

} // namespace holt
