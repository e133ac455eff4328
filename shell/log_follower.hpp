// SPDX-License-Identifier: Apache-2.0
#pragma once

// A process's log as server-sent events: what is kept, then what comes, then how it ended. Reads
// the log with a cursor of its own, a piece each time the connection took the one before: a slow
// reader holds up nobody, and is told what it lost; only one who asked to lose nothing is waited
// for by the process. Ends after the process's end.

#include "shell/live_process.hpp"
#include "transport/http_body.hpp"

namespace holt::shell {

/// Events `log` (with its sequence as id), `lost`, `exit`; a comment now and then, so that a reader
/// that vanished is noticed.
/// `lossless`: the process waits for it.
std::shared_ptr<http::body_source> make_log_follower(live_process_ptr process, log_query from,
                                                     bool lossless,
                                                     const boost::asio::any_io_executor& executor);

} // namespace holt::shell
