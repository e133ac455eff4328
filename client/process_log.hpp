// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a process of the sandbox prints, from its log over server-sent events: goes on without a gap
// from the last entry when the connection breaks. Blocking; one thread; keeps one piece in memory.

#include "client/api.hpp"

#include <functional>
#include <string_view>

namespace holt::client {

struct log_entry {
  std::uint64_t sequence = 0;
  std::string stream; ///< stdout, stderr, pty
  std::int64_t timestamp_ms = 0;
  std::string bytes;
};

struct process_exit {
  std::optional<int> code; ///< none: a signal ended it
  std::optional<int> signal;
};

struct log_ears {
  std::function<result<void>(const log_entry&)> entry; ///< an error ends it
  std::function<void(std::uint64_t bytes)> lost; ///< what is kept no more; 0: how much is unknown
  bool lossless = false; ///< the process waits for us, also for a minute without a connection
};

/// One entry as the API writes it. io: it is none.
result<log_entry> read_entry(const nlohmann::json& from);
/// The same from its text: the data, which is most of it, is not looked at by a JSON parser.
result<log_entry> read_entry(std::string_view text);

/// From after this sequence to the end of the process. not_found: there is no such process (any
/// more); cancelled; no_daemon after `patience` without a connection; what `entry` answers.
result<process_exit> follow_log(const api& from, const std::string& id, std::uint64_t since,
                                const log_ears& ears,
                                std::chrono::milliseconds patience = std::chrono::seconds{30});

/// Waits, at most so long. False: `wake_fd` became readable.
bool pause_unless(int wake_fd, std::chrono::milliseconds limit);

/// The route of a process, e.g. /v1/processes/proc_1/logs.
std::string process_route(const std::string& id, std::string_view rest);

} // namespace holt::client
