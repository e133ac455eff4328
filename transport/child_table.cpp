// SPDX-License-Identifier: Apache-2.0
#include "transport/child_table.hpp"

#include <utility>

namespace holt {

std::uint64_t child_table::begin() {
  std::lock_guard lock{mutex_};
  starts_.insert(++last_start_);
  return last_start_;
}

void child_table::end(std::uint64_t start, pid_t pid, bool lives) {
  bool tell = false;
  {
    std::lock_guard lock{mutex_};
    starts_.erase(start);
    tell = blocked_;
    if (pid > 0) {
      if (suspect_ == pid)
        suspect_ = 0;
      if (lives) {
        ++owned_[pid];
        ++size_;
      }
    }
  }
  if (tell)
    changed();
}

bool child_table::stranger(pid_t pid) {
  blocked_ = false;
  if (pid == 0) { // somebody else waited for the suspect; the number may come back
    suspect_ = 0;
    return false;
  }
  if (owned_.count(pid) > 0) {
    blocked_ = true;
    return false;
  }
  // Those that were under way when it was first seen are over, and it is nobody's.
  const bool cleared = starts_.empty() || (suspect_ == pid && *starts_.begin() > suspect_since_);
  if (cleared) {
    suspect_ = 0;
  } else if (suspect_ != pid) {
    suspect_ = pid;
    suspect_since_ = last_start_;
  }
  blocked_ = !cleared;
  return cleared;
}

void child_table::release(pid_t pid) {
  bool tell = false;
  {
    std::lock_guard lock{mutex_};
    tell = blocked_;
    if (suspect_ == pid)
      suspect_ = 0; // the number may come back
    if (auto it = owned_.find(pid); it != owned_.end()) {
      --size_;
      if (--it->second == 0)
        owned_.erase(it);
    }
  }
  if (tell)
    changed();
}

void child_table::on_change(std::function<void()> hook) {
  std::lock_guard lock{hook_mutex_};
  hook_ = std::move(hook);
}

void child_table::changed() {
  std::lock_guard lock{hook_mutex_};
  if (hook_)
    hook_();
}

} // namespace holt
