// SPDX-License-Identifier: Apache-2.0
#pragma once

// The commands of all agents, as an actor: takes what the links hear, decides by the ledger,
// journals, runs each command as a worker actor of its own that it monitors, journals the answer
// and sends it (docs/protocol-sbx1.md, sections 2 to 7). At its start it settles what a former life
// left, before it reports ready; the links join after that.

#include "actors/activity.hpp"
#include "actors/actor_child.hpp"
#include "actors/journal.hpp"
#include "actors/secret_mask.hpp"
#include "actors/shell_worker.hpp"
#include "files/file_commands.hpp"
#include "files/watch.hpp"
#include "link/command_auth.hpp"
#include "link/command_ledger.hpp"
#include "link/command_queue.hpp"
#include "link/link_port.hpp"

#include <boost/asio/thread_pool.hpp>
#include <caf/all.hpp>

#include <atomic>

namespace holt {

/// What `hello` and presence say of this daemon.
struct sandbox_identity {
  std::string id;          ///< outlives the daemon
  link::wall_ms since = 0; ///< when the id was made
  link::wall_ms boot = 0;  ///< start of this daemon
};

nlohmann::json presence_meta(const sandbox_identity& who);

/// One link as the commands see it; its number is its place in the list.
struct command_link {
  std::string session = "main";
  std::string result_event = "result";
  link::auth_options auth;
  bool own = false; ///< on the own broker
};

/// Bytes of messages that came and were not looked at yet: the bound of the mailbox.
struct command_inbox {
  std::atomic<std::size_t> bytes{0};
  std::atomic<std::uint64_t> dropped{0}; ///< messages that came above the bound
};

/// Adds `bytes` to the inbox until the last copy is gone, also with the mailbox of a dead actor.
std::shared_ptr<void> weigh(const std::shared_ptr<command_inbox>& inbox, std::size_t bytes);

// -- from the links

struct link_opened {
  std::size_t number = 0;
  link::link_port_ptr port;
};
struct link_closed {
  std::size_t number = 0;
};
struct link_up {
  std::size_t number = 0;
  link::link_limits limits;
};
struct link_down {
  std::size_t number = 0;
  error why;
  link::wall_ms since = 0;
};
struct link_heard {
  std::size_t number = 0;
  link::held_message_ptr letter; ///< goes back to its link when this actor ends before it settles
  std::shared_ptr<void> weight;  ///< weigh(): in the inbox for as long as the message is
};
struct link_present {
  std::size_t number = 0;
  std::vector<link::link_presence> who;
};

// -- from people and the daemon

/// `GET /v1/commands`.
struct commands_query {
  std::function<void(nlohmann::json)> answer;
};
/// `GET /v1/link`.
struct links_query {
  std::function<void(nlohmann::json)> answer;
};
/// By the daemon's own number. not_found.
struct command_cancel {
  std::uint64_t number = 0;
  std::function<void(result<void>)> answer;
};
/// Every command that waits or runs is answered `shutdown`; `done` once none is left.
struct commands_goodbye {
  std::function<void()> done;
};

struct commands_deps {
  std::vector<command_link> links;
  sandbox_identity identity;
  std::shared_ptr<command_inbox> inbox = std::make_shared<command_inbox>();
  journal_ref journal;
  actor_ref<activity_actor> activity;
  files::file_context files;
  std::shared_ptr<files::watch_hub> watches; ///< null: fs.watch is `unsupported`
  blocking_unit* blocking = nullptr;         ///< null: workers run where every actor runs (tests)
  shell_worker_deps shell;
  link::queue_limits queue;
  secret_mask_ptr mask;
  std::string durability = "process";
  std::function<void()> on_ready;
  std::function<void(std::string)> on_fault;
};

caf::actor spawn_commands(caf::actor_system& system, commands_deps deps);

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::link_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::link_closed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::link_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::link_down)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::link_heard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::link_present)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::commands_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::links_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::command_cancel)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::commands_goodbye)
