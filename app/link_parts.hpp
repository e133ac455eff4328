// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the command link needs and what outlives each of its children: the jail, the own broker,
// the threads for files, the identity of this sandbox. Made before the tree boots, so that a wrong
// root or a mailbox that cannot be opened is one clear line.

#include "actors/commands.hpp"
#include "actors/desktop_context.hpp"
#include "actors/runtime.hpp"
#include "app/config.hpp"
#include "broker/broker.hpp"
#include "files/watch.hpp"
#include "transport/process_killer.hpp"
#include "transport/spawner.hpp"
#include "transport/state_dir.hpp"

namespace holt {

struct link_parts {
  sandbox_identity identity;
  std::shared_ptr<broker::broker> broker; ///< null: off
  files::file_context files;
  std::shared_ptr<files::watch_hub> watches = files::watch_hub::make();
  shell::shell_defaults shell;
  secret_mask_ptr mask;
  journal_ref journal;
  actor_ref<caf::actor> commands;
  std::shared_ptr<command_inbox> inbox = std::make_shared<command_inbox>();
  std::vector<command_link> links;                ///< the own broker's first
  std::vector<config::link_config> remote;        ///< those that follow
  std::unique_ptr<boost::asio::thread_pool> pool; ///< file commands wait for the disk here
  std::unique_ptr<blocking_unit> blocking;
};

using link_parts_ptr = std::shared_ptr<link_parts>;

struct link_surroundings {
  runtime& rt;
  const config& values;
  const state_dir& state;
  std::string workspace;
  desktop_context_ptr context; ///< null without a desktop
};

/// errc::config for a root or user that is not there, state_dir for what cannot be kept.
result<link_parts_ptr> make_link_parts(const link_surroundings& in);

/// How an agent connects, `{url, key, session}`: on the own broker to any session, else to a
/// configured one. Empty `session`: the first. not_found.
result<nlohmann::json> realtime_access(const link_parts& parts, const std::string& gateway_url,
                                       const std::string& session);

} // namespace holt
