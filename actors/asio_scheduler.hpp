// SPDX-License-Identifier: Apache-2.0
#pragma once

// CAF's scheduler as a module on the runtime's io_context: an actor that has mail is one posted
// handler. Loaded by runtime.cpp; nobody else needs it.

#include "actors/asio_clock.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <caf/all.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

namespace holt {

/// Can drop the handlers that nobody will run any more, while the actors in them may still be
/// destroyed.
class shared_io_context : public boost::asio::io_context {
public:
  explicit shared_io_context(int concurrency_hint) : io_context{concurrency_hint} {}
  void drop_handlers() { shutdown(); }
};

struct asio_system_config final : caf::actor_system_config {
  explicit asio_system_config(unsigned threads);
  unsigned threads;
  shared_io_context io;
};

class asio_scheduler final : public caf::scheduler::abstract_coordinator {
public:
  explicit asio_scheduler(caf::actor_system& system);

  /// How CAF makes a module.
  static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>);

  void start() override;
  void stop() override;
  void enqueue(caf::resumable* what) override;
  caf::actor_clock& clock() noexcept override;
  bool detaches_utility_actors() const override;

private:
  struct unit final : caf::execution_unit {
    explicit unit(asio_scheduler* owner);
    void exec_later(caf::resumable* what) override;
    asio_scheduler* owner;
  };

  void run(caf::resumable* what);

  asio_system_config& config_;
  asio_clock clock_;
  unit unit_; ///< one for the module's whole life: actors keep the pointer
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guard_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> pending_{0}; ///< enqueued and not finished
  std::atomic<bool> stopping_{false};
};

} // namespace holt
