// SPDX-License-Identifier: Apache-2.0
#pragma once

// What fs.watch of the command link stands on: a queue between the hub's thread and `commands`,
// bounded, with one announcement at a time, and the worker that begins a watch on the pool.

#include "actors/blocking_unit.hpp"
#include "files/file_commands.hpp"
#include "files/watch.hpp"

#include <functional>
#include <mutex>

namespace holt {

/// Thread-safe. Filled by the hub, emptied by the actor.
class change_queue {
public:
  static constexpr std::size_t most = 5'000; ///< more become one `overflow`

  /// `announce` is called once, from any thread, when there is something; again after `rest`.
  explicit change_queue(std::function<void()> announce) : announce_{std::move(announce)} {}

  void add(const std::vector<files::file_change>& changes);
  /// At most `count`.
  std::vector<files::file_change> take(std::size_t count);
  /// Nothing is left: from now on it announces again. False: there is something.
  bool rest();

private:
  std::mutex mutex_;
  std::vector<files::file_change> waiting_;
  std::function<void()> announce_;
  bool announced_ = false;
};

struct watch_task {
  std::uint64_t number = 0; ///< of the command
  std::shared_ptr<files::watch_hub> hub;
  files::file_context context;
  std::string path;
  files::watch_options how;
  std::shared_ptr<change_queue> queue;
};

struct watch_begun {
  std::uint64_t number = 0;
  result<std::shared_ptr<files::watch_hub::handle>> got;
  std::shared_ptr<change_queue> queue;
};

/// Something waits in the queue of this watch.
struct watch_due {
  std::uint64_t watch = 0;
};

caf::actor spawn_watch_worker(caf::actor_system& system, blocking_unit* where, watch_task task,
                              caf::actor answer_to);

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::watch_begun)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::watch_due)
