// SPDX-License-Identifier: Apache-2.0
#pragma once

// One function per verb; each answers the exit code and says what went wrong in one line.

#include "app/command_line.hpp"

namespace holt {

/// The keeper, and below it (with --as-daemon) the daemon.
int verb_serve(const command_line& line, int argc, char** argv);
int verb_status(const command_line& line);
int verb_doctor(const command_line& line);
int verb_open(const command_line& line);
int verb_link(const command_line& line);
/// start, stop, restart
int verb_act(const command_line& line);

} // namespace holt
