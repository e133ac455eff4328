// SPDX-License-Identifier: Apache-2.0
#include "actors/runtime.hpp"

#include "actors/asio_scheduler.hpp"

#include <algorithm>
#include <thread>

namespace holt {

namespace {

unsigned thread_count(unsigned wanted) {
  return wanted != 0 ? wanted : std::max(2u, std::thread::hardware_concurrency());
}

} // namespace

struct runtime::impl {
  explicit impl(unsigned threads) : config{threads}, blocking{2}, system{config} {
    // Whoever stops the daemon stops the tree first; what is left must not block the exit.
    system.await_actors_before_shutdown(false);
  }

  asio_system_config config;
  boost::asio::thread_pool blocking;
  caf::actor_system system;
};

runtime::runtime(unsigned threads) : impl_{std::make_unique<impl>(thread_count(threads))} {}

runtime::~runtime() = default;

boost::asio::io_context& runtime::io() noexcept {
  return impl_->config.io;
}

caf::actor_system& runtime::system() noexcept {
  return impl_->system;
}

boost::asio::thread_pool& runtime::blocking() noexcept {
  return impl_->blocking;
}

} // namespace holt
