// SPDX-License-Identifier: Apache-2.0
#include "link/link_backlog.hpp"

namespace holt::link {

void link_backlog::adopt(link_message& what) {
  const std::lock_guard lock{mutex_};
  what.place = ++last_;
  what.source = shared_from_this();
}

std::vector<link_message> link_backlog::take() {
  const std::lock_guard lock{mutex_};
  std::vector<link_message> out;
  auto all = std::exchange(waiting_, {});
  for (auto& [place, one] : all) {
    one.source = shared_from_this();
    out.push_back(std::move(one));
  }
  bytes_ = 0;
  return out;
}

std::uint64_t link_backlog::dropped() const {
  const std::lock_guard lock{mutex_};
  return dropped_;
}

void link_backlog::settled(const link_message&) {}

void link_backlog::take_back(link_message what) {
  const std::lock_guard lock{mutex_};
  what.source = nullptr;
  const auto place = what.place;
  bytes_ += what.payload.size();
  waiting_.insert_or_assign(place, std::move(what));
  while (waiting_.size() > limits_.messages || bytes_ > limits_.bytes) {
    bytes_ -= waiting_.begin()->second.payload.size();
    waiting_.erase(waiting_.begin());
    ++dropped_;
  }
}

} // namespace holt::link
