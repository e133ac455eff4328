// SPDX-License-Identifier: Apache-2.0
#pragma once

// The command line of holt-stream as a plain value. Parsed once in main; the API token comes from
// the environment, which is wiped of it, never from the command line.

#include "stream/media.hpp"

#include <string>
#include <vector>

namespace holt::stream {

struct engine_options {
  std::string bind_address = "127.0.0.1"; ///< HTTP and WebSocket
  std::uint16_t bind_port = 0;            ///< 0: any
  std::string display;                    ///< like ":3"
  std::string xauthority;
  screen_size screen{1280, 720, 30};
  std::string media_address = "127.0.0.1"; ///< UDP; 0.0.0.0: all interfaces
  std::uint16_t media_port = 0;            ///< 0: any
  std::vector<std::string> advertise;      ///< offered instead of media_address
  std::string pulse;                       ///< socket or server string; empty: libpulse's default
  std::string audio_device = "audio_output.monitor";
  bool audio = true;
  unsigned bitrate = 2'500'000; ///< bit/s
  bool locked_controls = true;
  bool implicit_hosting = false;
  std::string api_token; ///< from HOLT_STREAM_API_TOKEN
};

/// What main() should do after parsing: go on, or end with this code.
struct parsed_options {
  engine_options options;
  bool go_on = true;
  int exit = 0;
};

/// Prints help and complaints itself (stdout, stderr). Usage errors are exit 64.
parsed_options parse_options(int argc, const char* const* argv);

/// "1280x720@30", "1280x720"; width 0 when it is malformed.
screen_size parse_screen(const std::string& text);

/// Takes HOLT_STREAM_API_TOKEN out of the environment and overwrites its bytes there.
std::string take_api_token();

} // namespace holt::stream
