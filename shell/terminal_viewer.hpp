// SPDX-License-Identifier: Apache-2.0
#pragma once

// One WebSocket on the terminal of a process, as the published client speaks it: text frames
// input, resize, close in; ready, exit, error out; the terminal's bytes as binary frames, nothing
// else among them. Each viewer reads the log with a cursor of its own and at its own pace: it holds
// up neither the process nor another viewer. Keeps itself alive until the WebSocket is closed.

#include "shell/live_process.hpp"
#include "transport/http_types.hpp"

#include <boost/asio/any_io_executor.hpp>

namespace holt::shell {

struct viewer_options {
  /// Where it begins; none: with what is kept of the newest 256 KiB.
  std::optional<std::uint64_t> offset;
  /// Nothing of what was printed before.
  bool live_only = false;
  /// It knows text frames beyond the published ones: `lost`. Else it is closed (1013) when it is
  /// so slow that its next bytes are kept no more.
  bool extended = false;
  std::uint64_t max_input = 65'536; ///< bytes of one input frame
};

/// The process has a terminal.
void open_terminal_viewer(const http::upgrade_ptr& what, live_process_ptr process,
                          viewer_options how, const boost::asio::any_io_executor& executor);

} // namespace holt::shell
