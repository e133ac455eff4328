// SPDX-License-Identifier: Apache-2.0
#pragma once

// How the outside learns that the daemon serves: the ready file for programs, the banner for
// people.

#include "actors/engine_choice.hpp"
#include "transport/log.hpp"

#include <string>

namespace holt {

/// How an agent connects.
struct realtime_facts {
  std::string url; ///< empty: there is no link
  log::secret key;
  std::string session;
};

struct ready_facts {
  std::string url;
  std::string link;   ///< opens the page signed in
  std::string engine; ///< empty: none
  std::string file;   ///< empty: write none
  log::secret token;
  realtime_facts realtime{};
};

/// Writes the ready file as a whole, readable by us alone:
/// {"url", "link", "token", "pid", "engine", "realtime": {"url", "key", "session"}}.
result<void> announce_ready(const ready_facts& facts);

struct banner_facts {
  std::string url;
  std::string link;
  engine_choice engine;
  bool desktop = true;
  std::string state_dir;
  std::string workspace;
  std::string session; ///< of agents; empty: no link
};

void print_banner(const banner_facts& facts);

} // namespace holt
