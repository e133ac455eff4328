// SPDX-License-Identifier: Apache-2.0
#pragma once

// Long-lived processes, terminals and one-shot runs of the API, as an actor: it owns the room they
// are in. Lives as long as the daemon; when it ends, all of them are killed, and the next
// incarnation begins with none. Output never passes through it.

#include "actors/activity.hpp"
#include "actors/actor_child.hpp"
#include "actors/secret_mask.hpp"
#include "shell/process_room.hpp"

#include <caf/all.hpp>

namespace holt {

/// Does something in the room, on the actor's turn: must be short.
struct processes_call {
  std::function<void(shell::process_room&)> work;
};

struct processes_deps {
  shell::shell_tools tools;
  boost::asio::any_io_executor executor;
  shell::shell_defaults defaults;
  shell::process_limits limits;
  std::size_t keep_ended = 256;
  actor_ref<activity_actor> activity;
  secret_mask_ptr mask; ///< for the feed; null: nothing is hidden
  std::shared_ptr<std::atomic<std::uint64_t>> numbers
    = std::make_shared<std::atomic<std::uint64_t>>(0);
};

caf::actor spawn_processes(caf::actor_system& system, processes_deps deps);

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::processes_call)
