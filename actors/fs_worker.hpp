// SPDX-License-Identifier: Apache-2.0
#pragma once

// One step of one file command as an actor that lives for this step, on the pool for blocking work:
// plan (looks only), run (does it) or settle (after a crash). Sends its answer to the actor that
// asked and ends; whoever monitors it hears when it ended without one.

#include "actors/blocking_unit.hpp"
#include "files/file_commands.hpp"

#include <caf/all.hpp>

namespace holt {

enum class fs_step : std::uint8_t { plan, run, settle };

struct fs_task {
  std::uint64_t number = 0; ///< the daemon's own of the command
  fs_step step = fs_step::run;
  std::shared_ptr<const command> what;
  files::file_plan plan;
  files::file_context context;
  std::shared_ptr<const std::atomic<bool>> cancelled; ///< keeps what `context` points to
};

struct fs_planned {
  std::uint64_t number = 0;
  result<files::file_plan> plan;
};

struct worker_finished {
  std::uint64_t number = 0;
  command_outcome outcome;
};

/// `where` null: where every actor runs (tests).
caf::actor spawn_fs_worker(caf::actor_system& system, blocking_unit* where, fs_task task,
                           caf::actor answer_to);

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::fs_planned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::worker_finished)
