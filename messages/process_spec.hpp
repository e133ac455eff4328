// SPDX-License-Identifier: Apache-2.0
#pragma once

// What to start: one operating system process, as a plain value.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace holt {

/// Where 0, 1 and 2 of a child lead.
enum class stdio_layout : std::uint8_t {
  merged,   ///< 0 to /dev/null, 1 and 2 to one pipe
  separate, ///< 1 and 2 to a pipe each; 0 to /dev/null or a pipe, see `input`
  terminal, ///< all to a pseudo-terminal, which controls its session
};

/// Whom a child runs as. Numbers: looking up a name may block.
struct process_user {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups; ///< supplementary; replaces ours
};

struct process_spec {
  /// argv[0] is looked up in `path` unless it contains a slash.
  std::vector<std::string> argv;
  /// The whole environment of the child; nothing is inherited.
  std::map<std::string, std::string> env;
  std::string cwd = "/";
  /// Where argv[0] is looked up; empty: PATH of `env`.
  std::string path;
  /// Child descriptor number → descriptor of ours (duplicated, not consumed); 0, 1, 2 are stdio.
  std::map<int, int> descriptors;
  /// Soft and hard RLIMIT_NOFILE; 0 keeps the daemon's original limit.
  std::uint64_t max_open_files = 1024;
  /// Write stdout and stderr also to this file, rotated by size; empty: keep only the ring.
  std::string log_file;
  stdio_layout stdio = stdio_layout::merged;
  bool input = false;               ///< with `separate`: 0 is a pipe that we write
  std::uint16_t columns = 80;       ///< of the terminal
  std::uint16_t rows = 24;          ///< of the terminal
  std::optional<process_user> user; ///< needs root; none: as the daemon
};

/// How a process ended.
struct exit_status {
  std::optional<int> code;   ///< exit code
  std::optional<int> signal; ///< signal number
  /// Largest resident memory of it or of a child that it waited for, in bytes; 0: not known.
  std::uint64_t peak_rss_bytes = 0;
  friend bool operator==(const exit_status& a, const exit_status& b) {
    return a.code == b.code && a.signal == b.signal; // how it ended, not what it used
  }
};

} // namespace holt
