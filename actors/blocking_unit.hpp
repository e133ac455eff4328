// SPDX-License-Identifier: Apache-2.0
#pragma once

// Runs the first turn of an actor on a pool for blocking work: how a worker that reads files is an
// actor and yet blocks nobody. Whatever the actor wakes runs where actors always run. Lives as long
// as the pool; thread-safe.

#include <boost/asio/thread_pool.hpp>

#include <caf/all.hpp>

#include <atomic>

namespace holt {

class blocking_unit final : public caf::execution_unit {
public:
  blocking_unit(caf::actor_system& system, boost::asio::thread_pool& pool);
  void exec_later(caf::resumable* what) override;
  /// Turns that wait or run.
  std::size_t busy() const noexcept { return busy_.load(); }

private:
  /// Seen by the actor while it runs on the pool: everything else goes to the scheduler.
  class elsewhere final : public caf::execution_unit {
  public:
    explicit elsewhere(caf::actor_system& system) : execution_unit{&system} {}
    void exec_later(caf::resumable* what) override;
  };

  boost::asio::thread_pool& pool_;
  std::atomic<std::size_t> busy_{0};
  elsewhere elsewhere_;
};

} // namespace holt
