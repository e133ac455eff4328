// SPDX-License-Identifier: Apache-2.0
#pragma once

// The node `stream` of the tree: the engine process (neko or our own) and the group that the
// viewers join. Chooses its ports and its keys anew for every start.

#include "actors/desktop_children.hpp"
#include "actors/engine_choice.hpp"
#include "actors/viewers.hpp"

namespace holt {

struct engine_options {
  process_tools tools;
  desktop_context_ptr context;
  std::string log_dir;
  supervision_defaults defaults;
  engine_choice choice;
  bool autostart = true;
  bool sound = true;
  std::string media_address = "127.0.0.1"; ///< where UDP is bound
  std::vector<std::string> advertise;      ///< what browsers are told; empty: media_address
  std::uint16_t media_port = 4659;         ///< 0: any
  unsigned bitrate = 2'500'000;
  unsigned fps = 30;
  actor_ref<caf::actor> viewers;
  bool address_chosen = true; ///< `advertise` was configured, not found on the interfaces
};

/// The engine that runs now; null while none does. Thread-safe.
class running_engine {
public:
  void set(engine_client_ptr client);
  engine_client_ptr get() const;

private:
  mutable std::mutex mutex_;
  engine_client_ptr client_;
};

using running_engine_ptr = std::shared_ptr<running_engine>;

/// The group `stream`, the child `engine`, the group `viewers`. `running` is set to the engine
/// that is starting or ready.
std::vector<supervision::child_spec> engine_children(const engine_options& how,
                                                     const running_engine_ptr& running);

/// Command line of neko v3 (reference/neko.md, II.7) and of holt-stream. Pure.
std::vector<std::string> neko_arguments(const engine_options& how, const std::string& display,
                                        std::uint16_t port, std::uint16_t media_port);
std::vector<std::string> builtin_arguments(const engine_options& how, const std::string& display,
                                           std::uint16_t port);

/// A port of 127.0.0.1 that is free now; 0 when none is.
std::uint16_t free_port(int socket_type);

/// Sum of a metric over its labels; nothing when it is not there.
std::optional<double> metric_sum(std::string_view text, std::string_view name);

} // namespace holt
