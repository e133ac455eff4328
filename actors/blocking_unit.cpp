// SPDX-License-Identifier: Apache-2.0
#include "actors/blocking_unit.hpp"

#include <boost/asio/post.hpp>

#include <caf/scheduler/abstract_coordinator.hpp>

namespace holt {

namespace {

constexpr std::size_t messages_per_turn = 100;

} // namespace

blocking_unit::blocking_unit(caf::actor_system& system, boost::asio::thread_pool& pool)
  : execution_unit{&system}, pool_{pool}, elsewhere_{system} {}

void blocking_unit::elsewhere::exec_later(caf::resumable* what) {
  system().scheduler().enqueue(what);
}

void blocking_unit::exec_later(caf::resumable* what) {
  ++busy_;
  boost::asio::post(pool_, [this, what] {
    switch (what->resume(&elsewhere_, messages_per_turn)) {
    case caf::resumable::resume_later: elsewhere_.exec_later(what); break;
    case caf::resumable::shutdown_execution_unit: break;
    default: caf::intrusive_ptr_release(what);
    }
    --busy_;
  });
}

} // namespace holt
