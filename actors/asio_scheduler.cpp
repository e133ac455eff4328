// SPDX-License-Identifier: Apache-2.0
#include "actors/asio_scheduler.hpp"

#include <boost/asio/post.hpp>

#include <chrono>

namespace holt {

namespace {

/// Messages one actor may handle before the next one's turn.
constexpr std::size_t messages_per_turn = 100;

} // namespace

asio_system_config::asio_system_config(unsigned thread_count)
  : threads{thread_count}, io{static_cast<int>(thread_count)} {
  set("scheduler.max-throughput", messages_per_turn);
  set("scheduler.max-threads", static_cast<std::size_t>(thread_count));
  load<asio_scheduler>();
}

asio_scheduler::unit::unit(asio_scheduler* s) : execution_unit{&s->system()}, owner{s} {}

void asio_scheduler::unit::exec_later(caf::resumable* what) {
  owner->enqueue(what);
}

asio_scheduler::asio_scheduler(caf::actor_system& system)
  : abstract_coordinator{system},
    config_{
      const_cast<asio_system_config&>(dynamic_cast<const asio_system_config&>(system.config()))},
    clock_{config_.io},
    unit_{this} {}

caf::actor_system::module* asio_scheduler::make(caf::actor_system& system,
                                                caf::detail::type_list<>) {
  return new asio_scheduler(system);
}

caf::actor_clock& asio_scheduler::clock() noexcept {
  return clock_;
}

bool asio_scheduler::detaches_utility_actors() const {
  return false;
}

void asio_scheduler::start() {
  guard_.emplace(config_.io.get_executor());
  for (unsigned i = 0; i < config_.threads; ++i)
    threads_.emplace_back([this] {
      system().thread_started();
      config_.io.run();
      system().thread_terminates();
    });
  abstract_coordinator::start();
}

void asio_scheduler::enqueue(caf::resumable* what) {
  ++pending_;
  boost::asio::post(config_.io, [this, what] { run(what); });
}

void asio_scheduler::run(caf::resumable* what) {
  if (stopping_) {
    cleanup_and_release(what);
  } else {
    switch (what->resume(&unit_, max_throughput_)) {
    case caf::resumable::resume_later: enqueue(what); break;
    case caf::resumable::shutdown_execution_unit: break;
    default: caf::intrusive_ptr_release(what);
    }
  }
  --pending_;
}

// Called by ~actor_system, once every actor that should end has ended.
void asio_scheduler::stop() {
  stop_actors();
  stopping_ = true;
  using namespace std::chrono;
  auto deadline = steady_clock::now() + seconds{5};
  while (pending_ != 0 && steady_clock::now() < deadline)
    std::this_thread::sleep_for(milliseconds{1});
  guard_.reset();
  config_.io.stop();
  for (auto& thread : threads_)
    thread.join();
  clock_.clear();
  config_.io.drop_handlers();
  clock_.clear();
}

} // namespace holt
