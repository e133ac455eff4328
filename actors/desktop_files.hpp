// SPDX-License-Identifier: Apache-2.0
#pragma once

// The configuration files of the desktop's programs, as text. Pure but for `installed_apps`,
// which looks which programs are there.

#include <string>
#include <vector>

namespace holt {

/// An entry of menu and panel.
struct desktop_app {
  std::string id;      ///< file name part
  std::string label;   ///< for people
  std::string command; ///< for /bin/sh
  std::string icon;    ///< name in the icon theme
};

/// Terminal, files, editor and browser, those of them that are installed in `path`.
std::vector<desktop_app> installed_apps(const std::string& path, const std::string& run_dir);

std::string openbox_config(const std::string& menu_file);
std::string openbox_menu(const std::vector<desktop_app>& apps);
std::string panel_config(const std::string& run_dir, const std::vector<desktop_app>& apps);
std::string desktop_entry(const desktop_app& app);
/// A script that starts the browser `program` with a profile of its own; without Chromium's own
/// sandbox where the kernel or root forbids that.
std::string browser_script(const std::string& program, const std::string& profile, bool sandbox);

/// Whether an unprivileged user namespace may be made here (Chromium's sandbox needs one).
bool user_namespaces_work();

} // namespace holt
