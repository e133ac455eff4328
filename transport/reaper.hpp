// SPDX-License-Identifier: Apache-2.0
#pragma once

// Waits for the strangers: orphans that came to us because we are subreaper or PID 1. Peeks at
// who ended and leaves every owned pid to its `process`; never waits for any pid (-1). Owned by
// the runtime, runs on its executor.

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <memory>

namespace holt {

class child_table;

class reaper {
public:
  /// Listens to SIGCHLD from now on.
  reaper(boost::asio::any_io_executor executor, std::shared_ptr<child_table> children);
  /// Stops listening.
  ~reaper();
  reaper(const reaper&) = delete;
  reaper& operator=(const reaper&) = delete;

  /// Strangers reaped so far. From any thread.
  std::uint64_t strangers() const noexcept;

private:
  class listener;
  std::shared_ptr<listener> listener_;
};

} // namespace holt
