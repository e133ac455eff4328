// SPDX-License-Identifier: Apache-2.0
#pragma once

// The items of one batch, one after the other, as an actor that lives for the batch. File commands
// that follow each other are one visit to the pool for blocking work. Answers once with
// `{results: […]}`; an item that fails stops the batch only when it says `stop_on_error`.

#include "actors/shell_worker.hpp"

namespace holt {

/// Items that are done, before the next one begins.
struct batch_progress {
  std::uint64_t number = 0;
  std::size_t done = 0;
  std::vector<std::size_t> failed; ///< of them; places from 0, the first hundred
};

struct batch_task {
  std::uint64_t number = 0;
  std::shared_ptr<const command> what;
  files::file_context context;
  std::shared_ptr<const std::atomic<bool>> cancelled; ///< keeps what `context` points to
};

caf::actor spawn_batch_worker(caf::actor_system& system, blocking_unit* where,
                              shell_worker_deps shell, batch_task task, caf::actor answer_to);

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::batch_progress)
