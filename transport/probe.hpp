// SPDX-License-Identifier: Apache-2.0
#pragma once

// Does it answer? Each probe connects, asks the smallest question, and answers exactly once within
// its limit: success, `timeout`, or the error with what went wrong. Runs on a strand of the given
// executor and calls back there; never blocks. Stateless: one call, one connection.

#include "messages/error.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace holt::probe {

using done = std::function<void(result<void>)>;
using std::chrono::milliseconds;

/// Something accepts connections at this path ('@' and a name: abstract).
void unix_socket(boost::asio::any_io_executor where, const std::string& path, milliseconds limit,
                 done call);

/// Something accepts connections here.
void tcp(boost::asio::any_io_executor where, boost::asio::ip::tcp::endpoint to, milliseconds limit,
         done call);

/// GET `target` is answered with 200. The body is not read.
void http_get(boost::asio::any_io_executor where, boost::asio::ip::tcp::endpoint to,
              const std::string& target, milliseconds limit, done call);

/// The X server of display `:number` lets us in with the cookie of `xauthority` (a file; empty: no
/// cookie) and answers one request. Reads the file at once (a few bytes).
void x11_display(boost::asio::any_io_executor where, int number, const std::string& xauthority,
                 milliseconds limit, done call);

/// Reads a decimal number and a newline from `fd` (Xvfb's -displayfd, s6's readiness with an empty
/// line gives 0). Takes the descriptor. `io` when it ends before the newline.
void read_number(boost::asio::any_io_executor where, int fd, milliseconds limit,
                 std::function<void(result<int>)> call);

/// One entry of an Xauthority file, good for every display of this machine. `cookie` has 16 bytes.
std::string xauthority_entry(std::string_view cookie);

/// The MIT-MAGIC-COOKIE-1 for local display `number` in the bytes of an Xauthority file; empty
/// when there is none or the file is damaged.
std::string xauthority_cookie(std::string_view file, int number);

} // namespace holt::probe
