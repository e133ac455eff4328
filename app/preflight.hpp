// SPDX-License-Identifier: Apache-2.0
#pragma once

// What is checked before anything starts, so that a missing package or a taken port is one clear
// line and not a tree of failed children. Also what the process does to itself.

#include "actors/engine_choice.hpp"
#include "app/config.hpp"

namespace holt {

/// Engine, X server and media port, as far as the configuration needs them.
/// errc::dependency_missing, errc::port_unavailable.
result<engine_choice> preflight(const config& values);

/// The engine that this configuration gives; runs `neko --version` where there is a neko.
result<engine_choice> find_engine(const config& values);

/// What a program prints within three seconds, at most 64 KiB; it gets the environment of a child.
/// Blocking, on an io_context of its own: for before and beside the daemon.
result<std::string> run_and_read(const std::vector<std::string>& argv);

/// Raises the descriptor limit, adopts orphans, keeps other processes out of our memory.
void harden_process();

/// Folder of the running program.
std::string program_dir();

/// PATH, or Debian's.
std::string search_path();

} // namespace holt
