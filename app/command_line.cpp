// SPDX-License-Identifier: Apache-2.0
#include "app/command_line.hpp"

#include "app/command_line_sandbox.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace holt {

namespace {

constexpr int usage_exit = 64;

/// Short names that people type, beside the ones that follow from the keys.
const std::map<std::string, std::string, std::less<>>& aliases() {
  static const std::map<std::string, std::string, std::less<>> table{
    {"http.port", "--port"}, {"http.address", "--address"}, {"log.level", "--log-level"}};
  return table;
}

void add_config_flags(CLI::App& app, command_line& line) {
  app.add_option("--config", line.config_file, "configuration file")->group("Configuration");
  for (const auto& key : config_keys()) {
    std::string name{key.name};
    auto names = flag_name(name);
    if (auto alias = aliases().find(name); alias != aliases().end() && alias->second != names)
      names = alias->second + "," + names;
    auto help = std::string{key.help};
    for (std::size_t i = 0; i < key.one_of.size(); ++i)
      help += (i == 0 ? ": " : " | ") + std::string{key.one_of[i]};
    app
      .add_option_function<std::string>(
        names, [&line, name](const std::string& text) { line.flags[name] = text; }, help)
      ->group("Configuration (also " + env_name("…") + " and holt.toml)");
  }
  app
    .add_option_function<std::vector<std::string>>(
      "--root",
      [&line](const std::vector<std::string>& folders) {
        for (const auto& folder : folders) {
          auto& all = line.flags["files.roots"];
          all += (all.empty() ? "" : ",") + folder;
        }
      },
      "a further folder that commands may use; may be given more than once")
    ->take_all();
  app.add_flag_callback(
    "--no-desktop", [&line] { line.flags["desktop.enabled"] = "false"; },
    "no desktop and no live view");
}

CLI::App* add_verb(CLI::App& app, command_line& line, verb what, const char* name,
                   const char* help) {
  auto* sub = app.add_subcommand(name, help);
  sub->callback([&line, what] { line.what = what; });
  return sub;
}

void add_serve(CLI::App& app, command_line& line) {
  auto* serve = add_verb(app, line, verb::serve, "serve", "Run the daemon");
  add_config_flags(*serve, line);
  serve->add_flag("--print-config", line.print_config,
                  "print every value with its origin, and end");
  serve->add_option("--ready-file", line.ready_file,
                    "written once everything is ready: url, link, token, pid, engine, realtime");
  serve->add_flag("--as-daemon", line.daemon)->group(""); // the keeper says it
}

void add_others(CLI::App& app, command_line& line) {
  auto* status = add_verb(app, line, verb::status, "status", "Show the supervision tree");
  add_daemon_options(*status, line);
  status->add_flag("--json", line.json, "as JSON");
  status->add_flag("--watch", line.watch, "follow what changes");
  auto* doctor
    = add_verb(app, line, verb::doctor, "doctor", "Look for everything that the daemon needs");
  add_config_flags(*doctor, line);
  doctor->add_flag("--json", line.json, "as JSON");
  auto* open = add_verb(app, line, verb::open, "open", "Print a link that opens the page once");
  add_daemon_options(*open, line);
  open->add_flag("--view", line.view, "a link that only allows watching");
  auto* link = add_verb(app, line, verb::link, "link", "Say how an agent connects");
  add_daemon_options(*link, line);
  link->add_flag("--json", line.json, "as JSON: url, key, session");
  link->add_option("--session", line.session, "another session than the configured one");
  link->add_flag("--app", line.app, "a key for other programs: every channel but sandbox:*")
    ->excludes("--session");
  const struct {
    verb what;
    const char* name;
    const char* help;
  } acts[] = {{verb::start, "start", "Start a part of the tree"},
              {verb::stop, "stop", "Stop a part of the tree until it is started"},
              {verb::restart, "restart", "Restart a part of the tree"}};
  for (const auto& act : acts) {
    auto* sub = add_verb(app, line, act.what, act.name, act.help);
    add_daemon_options(*sub, line);
    sub->add_option("id", line.id, "as `holt status` shows it")->required();
  }
  add_verb(app, line, verb::version, "version", "Print the version");
}

} // namespace

void add_daemon_options(CLI::App& app, command_line& line) {
  app.add_option("--url", line.url, "address of the daemon")->envname("HOLT_URL");
  app.add_option("--token", line.token, "its token")->envname("HOLT_TOKEN");
  app.add_option("--state-dir", line.state_dir, "its state folder")->envname("HOLT_STATE_DIR");
}

parsed_line parse_command_line(int argc, const char* const* argv) {
  parsed_line out;
  CLI::App app{"Holt: the sandbox daemon that an agent drives and a person watches", "holt"};
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string{"holt "} + HOLT_VERSION);
  add_serve(app, out.line);
  add_others(app, out.line);
  add_sandbox_verbs(app, out.line);
  try {
    app.parse(marked_arguments(argc, argv));
  } catch (const CLI::ParseError& err) {
    auto code = app.exit(err, std::cout, std::cerr);
    out.exit = code == 0 ? 0 : usage_exit;
  }
  return out;
}

} // namespace holt
