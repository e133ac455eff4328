// SPDX-License-Identifier: Apache-2.0
#pragma once

// The command line as a plain value. Parsed once in main; the flags of `serve` are the keys of the
// configuration table and a few of its own.

#include "app/config.hpp"
#include "app/sandbox_options.hpp"

#include <optional>
#include <string>

namespace holt {

enum class verb : std::uint8_t {
  none,
  serve,
  status,
  doctor,
  open,
  link,
  start,
  stop,
  restart,
  version
};

struct command_line {
  verb what = verb::none;
  // serve, doctor
  std::string config_file;
  config_flags flags; ///< by configuration key
  bool print_config = false;
  std::string ready_file;
  bool daemon = false; ///< this process is the daemon below its keeper
  // verbs that talk to a daemon
  std::string url;
  std::string token;
  std::string state_dir;
  bool json = false;
  bool watch = false;
  bool view = false;   ///< open: only watching
  std::string id;      ///< start, stop, restart
  std::string session; ///< link: empty: the first
  bool app = false;    ///< link: a key for other programs
  // verbs over the API
  int (*run)(const command_line&) = nullptr; ///< the verb itself; null for those of `what`
  sandbox_options sandbox;
};

/// What main should do: go on, or end with this code (help was printed, or a complaint).
struct parsed_line {
  command_line line;
  std::optional<int> exit;
};

/// Prints help to stdout and complaints to stderr. A wrong line is exit code 64.
parsed_line parse_command_line(int argc, const char* const* argv);

} // namespace holt
