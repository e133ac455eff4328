// SPDX-License-Identifier: Apache-2.0
#pragma once

// One command line as an actor: starts the job, sends its output on at a measured pace (to the
// agent that asked for it, and to the feed), answers once with the outcome and ends. Whoever
// monitors it hears when it ended without one.

#include "actors/activity.hpp"
#include "actors/actor_child.hpp"
#include "actors/fs_worker.hpp"
#include "actors/live_output.hpp"
#include "link/link_port.hpp"
#include "shell/shell_job.hpp"

#include <caf/all.hpp>

namespace holt {

using shell_starter
  = std::function<std::shared_ptr<shell::shell_job>(shell::shell_request, shell::shell_handlers)>;
/// Decodes the body; may look at the file system: runs on the pool for blocking work.
using shell_decoder = std::function<result<shell::shell_request>(const command&)>;

struct shell_task {
  std::uint64_t number = 0;
  std::shared_ptr<const command> what;
  link::link_port_ptr port; ///< of the agent; null when it is gone
  std::string result_event;
};

struct shell_worker_deps {
  shell_starter start;
  shell_decoder decode;
  std::function<void(std::function<void()>)> on_pool; ///< runs it there
  actor_ref<activity_actor> activity;
  secret_mask_ptr mask;
  std::chrono::milliseconds chunk_interval{100};
  std::chrono::milliseconds feed_interval{250};
};

/// From the worker: the process runs.
struct shell_started {
  std::uint64_t number = 0;
  std::shared_ptr<shell::shell_job> job;
  pid_t pid = 0;
};

/// To the worker: kill it; the answer is `why` with the output so far.
struct shell_cancel {
  errc why = errc::cancelled;
};

/// To the worker: the channel has changed; null: it is down.
struct shell_port {
  link::link_port_ptr port;
};

caf::actor spawn_shell_worker(caf::actor_system& system, shell_worker_deps deps, shell_task task,
                              caf::actor answer_to);

/// `{"type":"chunk",…}`.
std::string chunk_message(std::string_view id, std::uint64_t seq, std::string_view stream,
                          std::uint64_t off, std::string_view bytes);

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::shell_started)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::shell_cancel)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::shell_port)
