// SPDX-License-Identifier: Apache-2.0
#pragma once

// Everything a person can configure: one struct with the defaults, one table that says how each
// key is called in the file, in the environment and as a flag. Precedence: flag > HOLT_* >
// holt.toml > default. Read once at start; never reads from the current folder.

#include "messages/error.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace holt {

struct config {
  struct http_config {
    std::string address = "127.0.0.1"; ///< one IP address
    std::uint16_t port = 4658;         ///< 0: any free port
    std::string auth = "token";        ///< token | none (loopback only)
    std::vector<std::string> allowed_hosts;
    std::vector<std::string> allowed_origins;
    std::string page_dir; ///< empty: beside the program
    unsigned max_connections = 4096;
    unsigned max_unauthenticated = 64;
    unsigned max_unauthenticated_per_address = 32;
    unsigned max_header_bytes = 16 * 1024;
    std::uint64_t max_body_bytes = 1024 * 1024;
  } http;
  struct desktop_config {
    bool enabled = true;
    bool autostart = true;
    unsigned width = 1280;     ///< pixels
    unsigned height = 720;     ///< pixels
    unsigned dpi = 96;         ///< dots per inch
    unsigned max_width = 3840; ///< of the frame buffer, pixels
    unsigned max_height = 2160;
    bool sound = true;
    bool accessibility = true; ///< programs tell what they show, as a tree
  } desktop;
  struct recording_config {
    unsigned fps = 30;                           ///< where a caller names none
    unsigned max_seconds = 4 * 3600;             ///< of one
    std::uint64_t max_bytes = 4ull << 30;        ///< of one
    unsigned max_files = 200;                    ///< kept
    std::uint64_t max_total_bytes = 20ull << 30; ///< of all
  } recording;
  struct stream_config {
    bool autostart = true;
    std::string engine = "auto"; ///< auto | neko | builtin
    std::string neko_path;       ///< empty: PATH
    std::uint16_t media_port = 4659;
    std::vector<std::string> address{"auto"}; ///< auto, or addresses that browsers use
    unsigned bitrate = 2'500'000;             ///< bits per second, video
    unsigned fps = 30;
    unsigned engine_wait_ms = 15'000; ///< a viewer waits this long for the engine
    unsigned max_viewers = 1'200;
  } stream;
  struct supervision_config {
    unsigned budget_deaths = 8;
    unsigned budget_window_ms = 120'000;
    unsigned backoff_min_ms = 200;
    unsigned backoff_max_ms = 30'000;
    unsigned probe_period_ms = 1'000;
  } supervision;
  struct log_config {
    std::string level = "info"; ///< trace | debug | info | warn | error
  } log;
  struct files_config {
    std::vector<std::string> roots; ///< further folders that commands may use; absolute
  } files;
  /// One channel of agents on Supabase Realtime; `[[links]]` in the file adds more of them.
  struct link_config {
    std::string url; ///< empty: none; the own broker serves the session instead
    std::string key;
    std::string session = "main";
    bool private_channel = false;
    std::string token_command;             ///< prints a fresh JWT
    std::vector<std::string> command_keys; ///< kid:secret; empty: commands need no signature
    std::string result_event = "result";
    unsigned max_payload = 0; ///< bytes of one message; 0: 256,000, on the own broker 900,000
    unsigned rate = 40;       ///< messages a second; 0: unlimited. Not for the own broker
    std::string proxy;        ///< empty: of the environment
  } link;
  std::vector<link_config> links;
  struct broker_config {
    std::string enabled = "auto"; ///< auto (when link.url is empty) | on | off
    std::string jwt_secret;       ///< empty: made and kept in the state folder
    bool any_key = false;
    unsigned rate = 0;                 ///< messages a second of one socket; 0: unlimited
    unsigned join_rate = 100;          ///< joins a second of one socket; 0: unlimited
    unsigned presence_calls = 5;       ///< of one member in 30 s; 0: unlimited
    unsigned mailbox_messages = 1'000; ///< of one session
    std::uint64_t mailbox_bytes = 64ull << 20;
    unsigned mailbox_hours = 24;
  } broker;
  struct exec_config {
    std::string shell = "/bin/sh";
    unsigned timeout_ms = 120'000; ///< where a command names none
    std::string user;              ///< empty: the daemon's
    unsigned running = 32;
    unsigned queued = 256;
    unsigned max_output = 1024 * 1024; ///< bytes of one stream in an answer
  } exec;
  struct processes_config {
    unsigned running = 64; ///< long-lived ones and runs at once
    unsigned keep_ended = 256;
    std::uint64_t max_log = 10ull << 20; ///< bytes of one process
  } processes;
  struct journal_config {
    std::string durability = "process"; ///< process | power
    std::uint64_t max_bytes = 256ull << 20;
    unsigned max_hours = 24;
  } journal;
  struct activity_config {
    std::vector<std::string> mask; ///< texts, or env:NAME
  } activity;
  std::string workspace; ///< empty: the current folder
  std::string state_dir; ///< empty: $XDG_STATE_HOME/holt …
};

/// One key of the table.
struct config_key {
  using slot = std::variant<std::string*, bool*, unsigned*, std::uint16_t*, std::uint64_t*,
                            std::vector<std::string>*>;
  std::string_view name; ///< as in holt.toml: `stream.engine`
  std::function<slot(config&)> at;
  std::string_view help;                 ///< what it is, with its unit
  std::vector<std::string_view> one_of;  ///< allowed words; empty: any
  std::uint64_t min = 0;                 ///< for numbers
  std::uint64_t max = ~std::uint64_t{0}; ///< for numbers
  bool secret = false;                   ///< shown as ***
};

const std::vector<config_key>& config_keys();

/// `stream.engine` → `HOLT_STREAM_ENGINE`.
std::string env_name(std::string_view key);

/// `stream.neko.path` → `--stream-neko-path`.
std::string flag_name(std::string_view key);

/// Where a value came from, for people: `default`, `flag --port`, `HOLT_HTTP_PORT`,
/// `/etc/holt/holt.toml:3`.
using config_origins = std::map<std::string, std::string, std::less<>>;

struct loaded_config {
  config values;
  config_origins origins; ///< by key; absent: default
  std::string file;       ///< that was read; empty: none
};

/// A key and its text as given by a flag; lists are separated by commas.
using config_flags = std::map<std::string, std::string, std::less<>>;

/// Reads `file` (empty: the first of the usual places that exists), the environment and the flags.
/// errc::config with file and line, variable or flag for an unknown key or a bad value.
result<loaded_config> load_config(const std::string& file, const config_flags& flags,
                                  const std::function<const char*(const char*)>& getenv);

/// Every channel on Supabase Realtime: `link` when it has a url, then `links`.
std::vector<config::link_config> all_links(const config& values);

/// Whether the own broker runs.
bool broker_runs(const config& values);

/// Checks that concern several keys, e.g. auth none on an address that is not loopback.
result<void> check_config(const config& values);

/// One line per key: `name = value  # origin`.
std::string print_config(const loaded_config& loaded);

/// Sets one key from text.
result<void> set_from_text(const config_key& key, config& target, const std::string& text);

} // namespace holt
