// SPDX-License-Identifier: Apache-2.0

// holt-stream: options, signals, one io thread, exit codes (docs/names.md).

#include "stream/engine_server.hpp"
#include "transport/log.hpp"

#include <boost/asio/signal_set.hpp>
#include <nlohmann/json.hpp>

#include <sys/prctl.h>

#include <csignal>
#include <iostream>

namespace {

using namespace holt;

int complain(const error& why, int code) {
  std::cerr << "holt-stream: " << why.detail << std::endl;
  return code;
}

int run(stream::engine_options options) {
  boost::asio::io_context io{1};
  stream::engine_server server{io, std::move(options)};
  boost::asio::signal_set signals{io, SIGTERM, SIGINT};
  signals.async_wait([&](const boost::system::error_code& cancelled, int) {
    if (!cancelled)
      server.stop("connection shutdown");
  });
  if (auto started = server.start(); !started) {
    auto code
      = started.error().code == errc::port_unavailable ? info(errc::port_unavailable).exit : 1;
    return complain(started.error(), code);
  }
  nlohmann::json ready{
    {"event", "ready"}, {"http", server.http_port()}, {"media", server.media_port()}};
  std::cout << ready.dump() << std::endl;
  io.run();
  if (server.failure())
    return complain(*server.failure(), 1);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  auto parsed = stream::parse_options(argc, argv);
  if (!parsed.go_on)
    return parsed.exit;
  parsed.options.api_token = stream::take_api_token();
#ifndef HOLT_SANITIZED // LeakSanitizer traces the process
  ::prctl(PR_SET_DUMPABLE, 0);
#endif
  try {
    return run(std::move(parsed.options));
  } catch (const std::exception& e) { // start-up only: no memory, no random numbers
    return complain({errc::internal, e.what()}, 1);
  }
}
