// SPDX-License-Identifier: Apache-2.0
#pragma once

// What to start: one operating system process, as a plain value.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holt {

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
};

/// How a process ended.
struct exit_status {
  std::optional<int> code;   ///< exit code
  std::optional<int> signal; ///< signal number
  friend bool operator==(const exit_status&, const exit_status&) = default;
};

} // namespace holt
