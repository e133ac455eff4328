// SPDX-License-Identifier: Apache-2.0
#pragma once

// Runs the operator's token command through /bin/sh and takes what it prints. Blocking, for the
// blocking pool; the command gets the daemon's environment, no stdin, no descriptors. Its whole
// session is killed when it takes too long. What it prints is a secret: never logged.

#include "messages/error.hpp"

#include <atomic>
#include <chrono>
#include <string>

namespace holt::link {

/// The token, without white space around it. Errors: timeout; cancelled (`stop` became true);
/// config (it failed, or printed nothing or something that cannot be a token; the detail has the
/// last line of its stderr); spawn_failed.
result<std::string> run_token_command(const std::string& command, std::chrono::milliseconds limit,
                                      const std::atomic<bool>& stop);

} // namespace holt::link
