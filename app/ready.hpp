// SPDX-License-Identifier: Apache-2.0
#pragma once

// How the outside learns that the daemon serves: the ready file for programs, the banner for
// people.

#include "actors/engine_choice.hpp"
#include "transport/log.hpp"

#include <string>

namespace holt {

struct ready_facts {
  std::string url;
  std::string link;   ///< opens the page signed in
  std::string engine; ///< empty: none
  std::string file;   ///< empty: write none
  log::secret token;
};

/// Writes the ready file as a whole, readable by us alone:
/// {"url", "link", "token", "pid", "engine"}.
result<void> announce_ready(const ready_facts& facts);

struct banner_facts {
  std::string url;
  std::string link;
  engine_choice engine;
  bool desktop = true;
  std::string state_dir;
  std::string workspace;
};

void print_banner(const banner_facts& facts);

} // namespace holt
