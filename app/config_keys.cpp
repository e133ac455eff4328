// SPDX-License-Identifier: Apache-2.0

// The table of configuration keys. docs/names.md lists the same names; scripts/names compares.

#include "app/config.hpp"

namespace holt {

namespace {

template <class Part, class Value>
auto in(Part config::*part, Value Part::*value) {
  return [=](config& c) -> config_key::slot { return &(c.*part.*value); };
}

template <class Value>
auto in(Value config::*value) {
  return [=](config& c) -> config_key::slot { return &(c.*value); };
}

using c = config;
using http = config::http_config;
using desktop = config::desktop_config;
using stream = config::stream_config;
using supervision = config::supervision_config;

} // namespace

const std::vector<config_key>& config_keys() {
  static const std::vector<config_key> keys{
    {"workspace", in(&c::workspace), "folder where relative paths and shells start", {}},
    {"state_dir", in(&c::state_dir), "folder for token, lock and logs", {}},
    {"http.address", in(&c::http, &http::address), "IP address to listen on", {}},
    {"http.port", in(&c::http, &http::port), "port to listen on, 0 for any", {}, 0, 65535},
    {"http.auth",
     in(&c::http, &http::auth),
     "who may connect: token, or none on loopback",
     {"token", "none"}},
    {"http.allowed_hosts", in(&c::http, &http::allowed_hosts), "names accepted as Host", {}},
    {"http.allowed_origins",
     in(&c::http, &http::allowed_origins),
     "origins of pages that may call, e.g. https://example.org",
     {}},
    {"http.page_dir", in(&c::http, &http::page_dir), "folder of the page; empty: ours", {}},
    {"http.max_connections", in(&c::http, &http::max_connections), "connections", {}, 1, 100000},
    {"http.max_unauthenticated",
     in(&c::http, &http::max_unauthenticated),
     "connections that have not shown a token",
     {},
     1,
     100000},
    {"http.max_unauthenticated_per_address",
     in(&c::http, &http::max_unauthenticated_per_address),
     "the same for one address that is not loopback",
     {},
     1,
     100000},
    {"http.max_header_bytes",
     in(&c::http, &http::max_header_bytes),
     "bytes of a request's headers",
     {},
     1024,
     1048576},
    {"http.max_body_bytes",
     in(&c::http, &http::max_body_bytes),
     "bytes of a request's body",
     {},
     1024,
     std::uint64_t{1} << 34},
    {"desktop.enabled", in(&c::desktop, &desktop::enabled), "have a desktop at all", {}},
    {"desktop.autostart", in(&c::desktop, &desktop::autostart), "start it with the daemon", {}},
    {"desktop.width", in(&c::desktop, &desktop::width), "pixels", {}, 64, 16384},
    {"desktop.height", in(&c::desktop, &desktop::height), "pixels", {}, 64, 16384},
    {"desktop.dpi", in(&c::desktop, &desktop::dpi), "dots per inch", {}, 48, 480},
    {"desktop.max_width",
     in(&c::desktop, &desktop::max_width),
     "largest width in pixels",
     {},
     64,
     16384},
    {"desktop.max_height",
     in(&c::desktop, &desktop::max_height),
     "largest height in pixels",
     {},
     64,
     16384},
    {"desktop.sound", in(&c::desktop, &desktop::sound), "run a sound server", {}},
    {"stream.autostart", in(&c::stream, &stream::autostart), "start the stream engine", {}},
    {"stream.engine",
     in(&c::stream, &stream::engine),
     "auto takes neko where it is installed",
     {"auto", "neko", "builtin"}},
    {"stream.neko.path", in(&c::stream, &stream::neko_path), "neko's program; empty: PATH", {}},
    {"stream.media_port",
     in(&c::stream, &stream::media_port),
     "UDP port of all media, 0 for any",
     {},
     0,
     65535},
    {"stream.address",
     in(&c::stream, &stream::address),
     "auto, or the addresses that browsers reach",
     {}},
    {"stream.bitrate",
     in(&c::stream, &stream::bitrate),
     "video, bits per second",
     {},
     100'000,
     50'000'000},
    {"stream.fps", in(&c::stream, &stream::fps), "pictures per second", {}, 1, 60},
    {"stream.engine_wait_ms",
     in(&c::stream, &stream::engine_wait_ms),
     "milliseconds that a viewer waits for the engine",
     {},
     0,
     120'000},
    {"stream.max_viewers", in(&c::stream, &stream::max_viewers), "viewers at once", {}, 1, 4096},
    {"supervision.budget_deaths",
     in(&c::supervision, &supervision::budget_deaths),
     "deaths of one child within the window; the next one gives up",
     {},
     1,
     100'000},
    {"supervision.budget_window_ms",
     in(&c::supervision, &supervision::budget_window_ms),
     "milliseconds",
     {},
     1'000,
     86'400'000},
    {"supervision.backoff_min_ms",
     in(&c::supervision, &supervision::backoff_min_ms),
     "milliseconds before the first restart",
     {},
     1,
     3'600'000},
    {"supervision.backoff_max_ms",
     in(&c::supervision, &supervision::backoff_max_ms),
     "milliseconds before a restart, at most",
     {},
     1,
     3'600'000},
    {"supervision.probe_period_ms",
     in(&c::supervision, &supervision::probe_period_ms),
     "milliseconds between live probes",
     {},
     100,
     3'600'000},
    {"log.level",
     in(&c::log, &c::log_config::level),
     "what is logged",
     {"trace", "debug", "info", "warn", "error"}},
  };
  return keys;
}

} // namespace holt
