// SPDX-License-Identifier: Apache-2.0
#pragma once

// One HTTP request to another server, over plain TCP, on a connection of its own: for the stream
// engine on loopback and for probes. Runs on the given io_context; never blocks, never follows a
// redirect, never retries.

#include "transport/http_types.hpp"

#include <boost/asio/io_context.hpp>

namespace holt::http {

struct client_request {
  std::string host = "127.0.0.1"; ///< address or name; also the Host header, with the port
  std::uint16_t port = 0;
  std::string method = "GET";
  std::string target = "/";
  std::vector<header> headers;
  std::string body;
  std::chrono::milliseconds timeout{5'000}; ///< for everything, from now
  std::uint64_t max_body = 1024 * 1024;     ///< of the answer
};

/// `done` is called exactly once, on the io_context. Any status is a result. Errors: timeout, io
/// (not connected, ended early, malformed), payload_too_large.
void http_call(boost::asio::io_context::executor_type where, client_request what,
               std::function<void(result<response>)> done);

} // namespace holt::http
