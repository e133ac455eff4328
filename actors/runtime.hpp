// SPDX-License-Identifier: Apache-2.0
#pragma once

// The daemon's one pool of threads: an Asio io_context that sockets and actors share. CAF's own
// scheduler and clock are replaced by modules on it (actors/asio_scheduler.hpp): the stock ones
// burn a quarter of a core at 20 messages a second and can deadlock. Owned by main; everything
// that holds an actor handle or a socket must be gone before it is destroyed.

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <caf/fwd.hpp>

#include <memory>

namespace holt {

class runtime {
public:
  /// `threads` 0: as many as cores, at least two.
  explicit runtime(unsigned threads = 0);
  ~runtime();
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  boost::asio::io_context& io() noexcept;
  caf::actor_system& system() noexcept;
  /// For calls that block (files, SQLite, name look-ups); answers come back by message.
  boost::asio::thread_pool& blocking() noexcept;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace holt
