// SPDX-License-Identifier: Apache-2.0
#pragma once

// What attach and exec -t share: our terminal joined to that of a process.

#include "app/daemon_client.hpp"
#include "client/raw_terminal.hpp"

namespace holt {

/// exec -t: from its first byte to its end; whatever ends us but the detach keys ends it.
int run_in_terminal(const daemon_client& client, const command_line& line, const std::string& id);

} // namespace holt
