// SPDX-License-Identifier: Apache-2.0
#pragma once

// The daemon's end of the tie to its keeper: tells when the keeper is gone. Owned by the daemon's
// main, runs on its executor. Takes HOLT_KEEPER_FD out of the environment. The daemon gets SIGTERM
// at the same time (parent-death signal): together they are one request to stop, not two.

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>

namespace holt {

class keeper_link {
public:
  /// Call before other threads exist (it changes the environment). Without the variable, as when
  /// the daemon is run alone, `on_keeper_gone` is never called.
  keeper_link(boost::asio::any_io_executor executor, std::function<void()> on_keeper_gone);
  ~keeper_link();
  keeper_link(const keeper_link&) = delete;
  keeper_link& operator=(const keeper_link&) = delete;

  bool has_keeper() const noexcept { return tie_ != nullptr; }

private:
  struct tie;
  std::shared_ptr<tie> tie_;
};

} // namespace holt
