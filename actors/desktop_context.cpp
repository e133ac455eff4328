// SPDX-License-Identifier: Apache-2.0
#include "actors/desktop_context.hpp"

#include "actors/desktop_files.hpp"
#include "transport/probe.hpp"
#include "transport/secret.hpp"
#include "transport/spawner.hpp"
#include "transport/state_dir.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <functional>

extern char** environ;

namespace holt {

namespace {

/// sockaddr_un has 108 bytes; the longest name below the folder is `pulse/native`.
constexpr std::size_t max_socket_folder = 80;

constexpr std::array<std::string_view, 18> passed_on{
  "HOME",     "LANG",       "LANGUAGE",    "LC_ALL",   "LC_CTYPE",      "LOGNAME",
  "PATH",     "SHELL",      "TZ",          "USER",     "http_proxy",    "https_proxy",
  "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"};

std::string choose_run_dir(const std::string& state_dir) {
  auto usual = state_dir + "/run";
  if (usual.size() <= max_socket_folder && usual.find(':') == std::string::npos)
    return usual;
  return "/tmp/holt-" + std::to_string(getuid()) + "-"
         + std::to_string(std::hash<std::string>{}(state_dir));
}

result<void> make_private(const std::string& folder) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return file_error(errno, "cannot make the folder", folder);
  struct stat info {};
  if (lstat(folder.c_str(), &info) != 0)
    return file_error(errno, "cannot look at", folder);
  if (!S_ISDIR(info.st_mode) || info.st_uid != getuid())
    return error{errc::state_dir, "'" + folder + "' belongs to somebody else; remove it"};
  if (chmod(folder.c_str(), 0700) != 0)
    return file_error(errno, "cannot make private", folder);
  return {};
}

result<void> write_files(const desktop_context& where) {
  std::array<unsigned char, 16> random{};
  random_bytes(random);
  std::string cookie(random.begin(), random.end());
  auto path = where.environment().at("PATH");
  auto apps = installed_apps(path, where.run_dir());
  struct entry {
    std::string name;
    std::string text;
    mode_t mode = 0600;
  };
  std::vector<entry> files{
    {"Xauthority", probe::xauthority_entry(cookie)},
    {"openbox.xml", openbox_config(where.file("menu.xml"))},
    {"menu.xml", openbox_menu(apps)},
    {"panel.conf", panel_config(where.run_dir(), apps)},
  };
  for (const auto& app : apps)
    files.push_back({app.id + ".desktop", desktop_entry(app)});
  bool sandbox = getuid() != 0 && user_namespaces_work();
  for (const auto* program : {"chromium", "google-chrome", "firefox-esr", "firefox"})
    if (auto found = find_program(program, path)) {
      files.push_back(
        {"browser", browser_script(*found, where.file("browser-profile"), sandbox), 0700});
      break;
    }
  for (const auto& [name, text, mode] : files)
    if (auto written = write_file_atomically(where.file(name), text, mode); !written)
      return written;
  return {};
}

} // namespace

std::map<std::string, std::string> scrubbed_environment(const char* const* all) {
  std::map<std::string, std::string> out;
  for (; all != nullptr && *all != nullptr; ++all) {
    std::string_view line{*all};
    auto equals = line.find('=');
    if (equals == line.npos)
      continue;
    for (auto name : passed_on)
      if (line.substr(0, equals) == name)
        out.emplace(name, line.substr(equals + 1));
  }
  out.emplace("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  out.emplace("HOME", getuid() == 0 ? "/root" : "/tmp");
  out.emplace("SHELL", "/bin/bash");
  // Without a UTF-8 locale terminals show anything but ASCII as question marks.
  auto lang = out.find("LANG");
  if (!out.contains("LC_ALL")
      && (lang == out.end() || lang->second.find("UTF-8") == std::string::npos))
    out["LANG"] = "C.UTF-8";
  return out;
}

result<desktop_context_ptr> desktop_context::make(const std::string& state_dir,
                                                  const std::string& workspace) {
  auto out = std::shared_ptr<desktop_context>{new desktop_context};
  out->run_dir_ = choose_run_dir(state_dir);
  out->workspace_ = workspace;
  if (auto made = make_private(out->run_dir_); !made)
    return made.error();
  for (const auto* below : {"xdg", "pulse", "engine", "browser-profile"})
    if (auto made = make_private(out->file(below)); !made)
      return made.error();
  if (auto written = write_files(*out); !written)
    return written.error();
  return out;
}

std::string desktop_context::display() const {
  std::lock_guard guard{mutex_};
  return display_ ? ":" + std::to_string(*display_) : "";
}

desktop::screen_size desktop_context::size() const {
  std::lock_guard guard{mutex_};
  return size_;
}

unsigned desktop_context::dpi() const {
  std::lock_guard guard{mutex_};
  return dpi_;
}

void desktop_context::set_size(desktop::screen_size size, unsigned dpi) {
  std::lock_guard guard{mutex_};
  size_ = size;
  dpi_ = dpi;
}

std::optional<unsigned> desktop_context::display_number() const {
  std::lock_guard guard{mutex_};
  return display_;
}

void desktop_context::set_display(std::optional<unsigned> number) {
  std::lock_guard guard{mutex_};
  display_ = number;
}

std::map<std::string, std::string> desktop_context::environment() const {
  auto out = scrubbed_environment(environ);
  if (auto name = display(); !name.empty())
    out["DISPLAY"] = name;
  out["XAUTHORITY"] = xauthority();
  out["DBUS_SESSION_BUS_ADDRESS"] = bus_address();
  out["PULSE_SERVER"] = pulse_server();
  out["XDG_RUNTIME_DIR"] = file("xdg");
  out["XDG_CURRENT_DESKTOP"] = "Holt";
  if (accessibility_ && !accessibility::launcher_program().empty()) {
    out["QT_LINUX_ACCESSIBILITY_ALWAYS_ON"] = "1";
    out["ACCESSIBILITY_ENABLED"] = "1"; // Chromium
    out["GNOME_ACCESSIBILITY"] = "1";   // Firefox
  } else {
    out["NO_AT_BRIDGE"] = "1"; // else GTK looks for the bus at every start
  }
  return out;
}

void desktop_context::switch_accessibility(bool on) {
  accessibility_ = on ? std::make_shared<accessibility::desk>(bus_address()) : nullptr;
}

} // namespace holt
