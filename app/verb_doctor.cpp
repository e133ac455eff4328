// SPDX-License-Identifier: Apache-2.0
#include "accessibility/tree.hpp"
#include "app/children.hpp"
#include "app/daemon_client.hpp"
#include "app/preflight.hpp"
#include "app/verbs.hpp"
#include "transport/kernel_features.hpp"
#include "transport/state_dir.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <nlohmann/json.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>

namespace holt {

namespace {

namespace asio = boost::asio;

struct finding {
  std::string name;
  bool found = false;
  bool needed = false; ///< the main job cannot run without it
  std::string detail;  ///< what was found, or what to do
};

struct program_row {
  const char* program;
  const char* package;
  const char* what_for;
  bool needed;
};

constexpr std::array<program_row, 15> programs{{
  {"Xvfb", "xvfb", "the X server", true},
  {"openbox", "openbox", "the window manager", true},
  {"dbus-daemon", "dbus", "the session bus", false},
  {"pulseaudio", "pulseaudio", "sound", false},
  {"tint2", "tint2", "the panel", false},
  {"ffmpeg", "ffmpeg", "recordings of the desktop", false},
  {"xterm", "xterm", "a terminal on the desktop", false},
  {"pcmanfm", "pcmanfm", "a file manager on the desktop", false},
  {"chromium", "chromium", "a browser on the desktop", false},
  {"mousepad", "mousepad", "a text editor on the desktop", false},
  {"setxkbmap", "x11-xkb-utils", "keyboard layouts", false},
  {"python", "python-is-python3", "what agents run: they call python, not python3", false},
  {"xauth", "xauth", "other users' programs that join the display", false},
  {"xclip", "xclip", "the clipboard from a command line", false},
  {"hsetroot", "hsetroot", "the desktop's background from a command line", false},
}};

void look_for_programs(std::vector<finding>& out, const config& values) {
  for (const auto& row : programs) {
    auto found = find_program(row.program, search_path());
    out.push_back(
      {row.program, found.has_value(), row.needed && values.desktop.enabled,
       found ? *found
             : std::string{"needed for "} + row.what_for + ": apt-get install " + row.package});
  }
}

void look_for_accessibility(std::vector<finding>& out, const config& values) {
  const auto launcher = accessibility::launcher_program();
  const bool on = values.desktop.accessibility;
  out.push_back({"accessibility bus", !launcher.empty(), false,
                 !on ? "switched off by desktop.accessibility"
                 : launcher.empty()
                   ? std::string{"needed for the accessibility tree: apt-get install "}
                       + accessibility::launcher_package
                   : launcher});
}

struct font_row {
  const char* name;
  const char* language; ///< as fontconfig calls it
  const char* package;
};

constexpr std::array<font_row, 3> fonts{{
  {"fonts: Latin", "en", "fonts-dejavu-core"},
  {"fonts: Chinese, Japanese, Korean", "ja", "fonts-noto-cjk"},
  {"fonts: emoji", "und-zsye", "fonts-noto-color-emoji"},
}};

void look_for_fonts(std::vector<finding>& out) {
  auto list = find_program("fc-list", search_path());
  for (const auto& row : fonts) {
    finding what{row.name, false, false, ""};
    auto said = list ? run_and_read({*list, std::string{":lang="} + row.language, "family"})
                     : result<std::string>{error{errc::dependency_missing, ""}};
    if (said && !said->empty()) {
      what.found = true;
      what.detail = said->substr(0, said->find_first_of(",\n"));
    } else if (said) {
      what.detail = std::string{"shown as boxes: apt-get install "} + row.package;
    } else {
      what.detail = std::string{"cannot be looked for: apt-get install fontconfig "} + row.package;
    }
    out.push_back(std::move(what));
  }
}

void look_for_engine(std::vector<finding>& out, const config& values) {
  auto engine = find_engine(values);
  finding row{"stream engine", engine.has_value(), values.desktop.enabled, ""};
  if (engine) {
    row.detail = engine->name + " " + engine->version + " (" + engine->program + ")";
    for (const auto& note : engine->notes)
      row.detail += "; " + note;
  } else {
    row.detail = engine.error().detail;
  }
  out.push_back(std::move(row));
  auto only_neko = values;
  only_neko.stream.engine = "neko";
  auto neko = find_engine(only_neko);
  std::string detail = neko ? neko->version + " (" + neko->program + ")" : neko.error().detail;
  if (neko)
    for (const auto& note : neko->notes)
      detail += "; " + note;
  out.push_back({"neko", neko.has_value(), values.stream.engine == "neko", detail});
}

template <class Protocol>
std::string try_port(const std::string& address, std::uint16_t port) {
  asio::io_context io;
  boost::system::error_code ec;
  typename Protocol::socket socket{io};
  typename Protocol::endpoint where{asio::ip::make_address(address, ec), port};
  if (!ec)
    socket.open(where.protocol(), ec);
  if (!ec && std::is_same_v<Protocol, asio::ip::tcp>)
    socket.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec)
    socket.bind(where, ec);
  return ec ? ec.message() : std::string{};
}

bool runs_here(const config& values) {
  auto folder
    = values.state_dir.empty() ? default_state_dir() : std::filesystem::path{values.state_dir};
  auto known = read_daemon_info(folder);
  return known && kill(known->pid, 0) == 0;
}

void look_for_ports(std::vector<finding>& out, const config& values) {
  bool ours = runs_here(values);
  auto add = [&out, ours](const std::string& name, const std::string& fault, const char* key) {
    if (!fault.empty() && ours) {
      out.push_back({name, true, true, "used by the daemon that runs"});
      return;
    }
    out.push_back(
      {name, fault.empty(), true,
       fault.empty() ? "free" : fault + "; a daemon may run already (holt status), or set " + key});
  };
  if (values.http.port != 0)
    add("port " + std::to_string(values.http.port) + "/tcp",
        try_port<asio::ip::tcp>(values.http.address, values.http.port), "http.port");
  if (values.desktop.enabled && values.stream.media_port != 0)
    add("port " + std::to_string(values.stream.media_port) + "/udp",
        try_port<asio::ip::udp>(choose_media_addresses(values).bind, values.stream.media_port),
        "stream.media_port");
}

void look_at_kernel(std::vector<finding>& out) {
  for (const auto& row : describe(detect_kernel_features()))
    out.push_back({"kernel: " + row.name, row.present, row.needed, row.meaning});
}

void look_at_folders(std::vector<finding>& out, const config& values) {
  auto state = values.state_dir.empty() ? default_state_dir().string() : values.state_dir;
  std::error_code ec;
  auto existing = std::filesystem::path{state};
  while (!existing.empty() && existing != "/" && !std::filesystem::exists(existing, ec))
    existing = existing.parent_path();
  bool writable = !state.empty() && access(existing.c_str(), W_OK) == 0;
  out.push_back(
    {"state folder", writable, true,
     writable ? state : "'" + state + "' cannot be written; choose another with --state-dir"});
  auto token = std::filesystem::path{state} / "token";
  struct stat file {};
  if (stat(token.c_str(), &file) == 0)
    out.push_back({"token", (file.st_mode & 077) == 0, false,
                   !values.exec.user.empty() && getuid() == 0
                     ? "commands run as " + values.exec.user + " and cannot read it"
                   : getuid() == 0
                     ? "commands that run as root can read it; set exec.user"
                     : "commands that run as this user can read it, and so can whoever sends "
                       "them"});
}

/// Whether a connection to the host of `url` can be made within two seconds.
std::string reach(const std::string& url) {
  auto rest = url.substr(url.find("://") == url.npos ? 0 : url.find("://") + 3);
  bool tls = url.starts_with("https") || url.starts_with("wss");
  auto host = rest.substr(0, rest.find('/'));
  std::string port = tls ? "443" : "80";
  if (auto colon = host.rfind(':'); colon != host.npos && host.back() != ']') {
    port = host.substr(colon + 1);
    host.resize(colon);
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  asio::io_context io;
  asio::ip::tcp::resolver resolver{io};
  asio::ip::tcp::socket socket{io};
  std::string fault = "no answer within 2 s";
  resolver.async_resolve(host, port, [&](boost::system::error_code ec, const auto& found) {
    if (ec)
      return void(fault = ec.message());
    asio::async_connect(socket, found, [&](boost::system::error_code failed, const auto&) {
      fault = failed ? failed.message() : std::string{};
    });
  });
  io.run_for(std::chrono::seconds{2});
  return fault;
}

void look_at_link(std::vector<finding>& out, const config& values) {
  if (broker_runs(values))
    out.push_back(
      {"link", true, false,
       "the own broker, session " + values.link.session + "; `holt link` says how to connect"});
  for (const auto& one : all_links(values)) {
    auto fault = reach(one.url);
    out.push_back({"link " + one.session, fault.empty(), false,
                   fault.empty() ? "reachable: " + one.url
                                 : one.url + ": " + fault + "; the daemon goes on trying"});
    if (one.command_keys.empty() && !one.private_channel)
      out.push_back({"link " + one.session + " signed", false, false,
                     "the channel is public and commands need no signature: whoever has its key "
                     "can run commands; set link.command_keys or link.private"});
  }
  if (!values.exec.user.empty() && getuid() != 0)
    out.push_back({"exec.user", false, true, "only root can run commands as another user"});
}

std::string mark(const finding& row) {
  bool colour = isatty(STDOUT_FILENO) == 1;
  const char* text = row.found ? "found  " : row.needed ? "MISSING" : "missing";
  const char* code = row.found ? "32" : row.needed ? "31" : "33";
  return colour ? "\x1b[" + std::string{code} + "m" + text + "\x1b[0m" : text;
}

} // namespace

int verb_doctor(const command_line& line) {
  auto loaded = load_config(line.config_file, line.flags, ::getenv);
  if (!loaded)
    return complain(loaded.error());
  std::vector<finding> rows;
  look_for_programs(rows, loaded->values);
  if (loaded->values.desktop.enabled) {
    look_for_accessibility(rows, loaded->values);
    look_for_fonts(rows);
  }
  look_for_engine(rows, loaded->values);
  look_for_ports(rows, loaded->values);
  look_at_folders(rows, loaded->values);
  look_at_link(rows, loaded->values);
  look_at_kernel(rows);
  bool fine = true;
  auto document = nlohmann::json::array();
  for (const auto& row : rows) {
    fine = fine && (row.found || !row.needed);
    document.push_back(
      {{"name", row.name}, {"found", row.found}, {"needed", row.needed}, {"detail", row.detail}});
    if (!line.json)
      std::cout << mark(row) << "  " << row.name
                << std::string(row.name.size() < 33 ? 33 - row.name.size() : 1, ' ') << row.detail
                << "\n";
  }
  if (line.json)
    std::cout << nlohmann::json{{"ok", fine}, {"findings", document}}.dump(2) << std::endl;
  else
    std::cout << (fine ? "\nEverything that the main job needs is there.\n"
                       : "\nThe main job cannot run: see MISSING.\n");
  return fine ? 0 : 1;
}

} // namespace holt
