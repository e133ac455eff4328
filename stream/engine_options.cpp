// SPDX-License-Identifier: Apache-2.0
#include "stream/engine_options.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/ip/address.hpp>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace holt::stream {

namespace {

constexpr int exit_usage = 64;
constexpr const char* token_variable = "HOLT_STREAM_API_TOKEN";

std::string check_address(const std::string& text) {
  boost::system::error_code failed;
  boost::asio::ip::make_address(text, failed);
  return failed ? "'" + text + "' is not an IP address" : std::string{};
}

std::string check_screen(const std::string& text) {
  return parse_screen(text).width == 0 ? "'" + text + "' is not WIDTHxHEIGHT[@RATE]"
                                       : std::string{};
}

/// "ADDRESS:PORT"; false when it is malformed.
bool split_bind(const std::string& text, engine_options& out) {
  auto colon = text.rfind(':');
  if (colon == std::string::npos)
    return false;
  auto address = text.substr(0, colon);
  if (address.size() > 2 && address.front() == '[' && address.back() == ']')
    address = address.substr(1, address.size() - 2);
  unsigned port = 0;
  const auto* begin = text.data() + colon + 1;
  const auto* end = text.data() + text.size();
  auto [stop, failed] = std::from_chars(begin, end, port);
  if (failed != std::errc{} || stop != end || port > 65'535 || !check_address(address).empty())
    return false;
  out.bind_address = address;
  out.bind_port = static_cast<std::uint16_t>(port);
  return true;
}

} // namespace

screen_size parse_screen(const std::string& text) {
  screen_size out{0, 0, 30};
  const auto* at = text.data();
  const auto* end = at + text.size();
  auto number = [&](unsigned& into) {
    auto [stop, failed] = std::from_chars(at, end, into);
    at = stop;
    return failed == std::errc{} && into > 0 && into <= 16'384;
  };
  auto sign = [&](char c) { return at != end && *at++ == c; };
  bool fine = number(out.width) && sign('x') && number(out.height);
  if (fine && at != end)
    fine = sign('@') && number(out.rate) && at == end && out.rate <= 240;
  return fine ? out : screen_size{};
}

std::string take_api_token() {
  auto* value = std::getenv(token_variable); // NOLINT: no thread runs yet
  if (value == nullptr)
    return {};
  std::string out{value};
  // /proc/PID/environ shows the original bytes: unsetenv alone would leave them there.
  ::explicit_bzero(value, std::strlen(value));
  ::unsetenv(token_variable);
  return out;
}

parsed_options parse_options(int argc, const char* const* argv) {
  parsed_options out;
  auto& o = out.options;
  CLI::App app{"holt-stream: the built-in stream engine (one display, WebRTC, neko v3's contract)"};
  std::string bind = "127.0.0.1:0";
  std::string screen = "1280x720@30";
  bool no_audio = false;
  app.add_option("--bind", bind, "HTTP and WebSocket, ADDRESS:PORT; port 0: any")
    ->capture_default_str();
  app.add_option("--display", o.display, "X display, like :3")->envname("DISPLAY")->required();
  app.add_option("--xauthority", o.xauthority, "X cookie file")->envname("XAUTHORITY");
  app.add_option("--screen", screen, "size at start, WIDTHxHEIGHT@RATE")
    ->check(check_screen)
    ->capture_default_str();
  app.add_option("--media-address", o.media_address, "address of the UDP socket")
    ->check(check_address)
    ->capture_default_str();
  app.add_option("--media-port", o.media_port, "its port; 0: any")->capture_default_str();
  app.add_option("--advertise", o.advertise, "addresses to offer instead, in order of preference")
    ->check(check_address);
  app.add_option("--pulse", o.pulse, "PulseAudio server, like unix:/run/user/0/pulse/native");
  app.add_option("--audio-device", o.audio_device, "PulseAudio source to record")
    ->capture_default_str();
  app.add_flag("--no-audio", no_audio, "no sound");
  app.add_option("--bitrate", o.bitrate, "video, bit/s")
    ->check(CLI::Range(100'000, 50'000'000))
    ->capture_default_str();
  app.add_flag("--locked-controls,!--no-locked-controls", o.locked_controls,
               "only the API gives control (default)");
  app.add_flag("--implicit-hosting", o.implicit_hosting, "who acts becomes host");
  app.set_version_flag("--version", HOLT_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    out.go_on = false;
    out.exit = app.exit(e) == 0 ? 0 : exit_usage;
    return out;
  }
  if (!split_bind(bind, o)) {
    std::cerr << "--bind: '" << bind << "' is not ADDRESS:PORT\n";
    out.go_on = false;
    out.exit = exit_usage;
  }
  if (!o.pulse.empty() && o.pulse.front() == '/')
    o.pulse = "unix:" + o.pulse;
  o.screen = parse_screen(screen);
  o.audio = !no_audio;
  return out;
}

} // namespace holt::stream
