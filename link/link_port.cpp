// SPDX-License-Identifier: Apache-2.0
#include "link/link_port.hpp"

#include "transport/log.hpp"

#include <utility>

namespace holt::link {

namespace {

constexpr unsigned most_returns = 5;

} // namespace

held_message::~held_message() {
  if (settled_ || !what_.source)
    return;
  if (++what_.returned > most_returns) {
    log::error("link", "given_up", {{"event", what_.event}, {"bytes", what_.payload.size()}});
    settle();
    return;
  }
  const auto source = std::exchange(what_.source, nullptr);
  source->take_back(std::move(what_));
}

void held_message::settle() {
  if (std::exchange(settled_, true))
    return;
  if (what_.source)
    what_.source->settled(what_);
  what_ = {};
}

} // namespace holt::link
