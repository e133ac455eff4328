// SPDX-License-Identifier: Apache-2.0
#include "actors/desktop_files.hpp"

#include "transport/spawner.hpp"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace holt {

namespace {

std::string xml(const std::string& text) {
  std::string out;
  for (char ch : text) {
    switch (ch) {
    case '&': out += "&amp;"; break;
    case '<': out += "&lt;"; break;
    case '>': out += "&gt;"; break;
    case '"': out += "&quot;"; break;
    default: out += ch;
    }
  }
  return out;
}

} // namespace

std::vector<desktop_app> installed_apps(const std::string& path, const std::string& run_dir) {
  std::vector<desktop_app> out;
  auto first = [&](const char* id, const char* label, const char* icon,
                   std::initializer_list<std::array<const char*, 2>> choices) {
    for (const auto& [program, command] : choices)
      if (find_program(program, path)) {
        out.push_back({id, label, command, icon});
        return;
      }
  };
  first(
    "terminal", "Terminal", "utilities-terminal",
    {{"xfce4-terminal", "xfce4-terminal"},
     {"xterm", "xterm -u8 -fa 'DejaVu Sans Mono' -fs 11 -bg '#10161d' -fg '#d7dde5' -sl 10000"}});
  first("files", "Files", "system-file-manager",
        {{"pcmanfm", "pcmanfm"}, {"thunar", "thunar"}, {"nautilus", "nautilus"}});
  first("editor", "Text editor", "accessories-text-editor",
        {{"mousepad", "mousepad"}, {"gedit", "gedit"}});
  for (const auto* program : {"chromium", "google-chrome", "firefox-esr", "firefox"})
    if (find_program(program, path)) {
      out.push_back({"browser", "Web browser", run_dir + "/browser", "web-browser"});
      break;
    }
  return out;
}

std::string openbox_config(const std::string& menu_file) {
  return R"(<?xml version="1.0" encoding="UTF-8"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
  <resistance><strength>10</strength><screen_edge_strength>20</screen_edge_strength></resistance>
  <focus><focusNew>yes</focusNew><followMouse>no</followMouse><focusLast>yes</focusLast><underMouse>no</underMouse><raiseOnFocus>no</raiseOnFocus></focus>
  <placement><policy>Smart</policy><center>yes</center></placement>
  <theme><name>Clearlooks</name><titleLayout>NLIMC</titleLayout><keepBorder>yes</keepBorder><animateIconify>no</animateIconify></theme>
  <desktops><number>1</number><firstdesk>1</firstdesk><popupTime>0</popupTime></desktops>
  <resize><drawContents>yes</drawContents></resize>
  <keyboard>
    <keybind key="A-F4"><action name="Close"/></keybind>
    <keybind key="A-Tab"><action name="NextWindow"><finalactions><action name="Focus"/><action name="Raise"/><action name="Unshade"/></finalactions></action></keybind>
    <keybind key="A-space"><action name="ShowMenu"><menu>client-menu</menu></action></keybind>
  </keyboard>
  <mouse>
    <dragThreshold>4</dragThreshold><doubleClickTime>400</doubleClickTime>
    <context name="Frame"><mousebind button="A-Left" action="Drag"><action name="Move"/></mousebind><mousebind button="A-Right" action="Drag"><action name="Resize"/></mousebind></context>
    <context name="Titlebar"><mousebind button="Left" action="Drag"><action name="Move"/></mousebind><mousebind button="Left" action="DoubleClick"><action name="ToggleMaximize"/></mousebind></context>
    <context name="Titlebar Top Right Bottom Left TLCorner TRCorner BRCorner BLCorner"><mousebind button="Left" action="Press"><action name="Focus"/><action name="Raise"/></mousebind></context>
    <context name="Top"><mousebind button="Left" action="Drag"><action name="Resize"><edge>top</edge></action></mousebind></context>
    <context name="Left"><mousebind button="Left" action="Drag"><action name="Resize"><edge>left</edge></action></mousebind></context>
    <context name="Right"><mousebind button="Left" action="Drag"><action name="Resize"><edge>right</edge></action></mousebind></context>
    <context name="Bottom"><mousebind button="Left" action="Drag"><action name="Resize"><edge>bottom</edge></action></mousebind></context>
    <context name="TRCorner BRCorner TLCorner BLCorner"><mousebind button="Left" action="Drag"><action name="Resize"/></mousebind></context>
    <context name="Client"><mousebind button="Left" action="Press"><action name="Focus"/><action name="Raise"/></mousebind><mousebind button="Middle" action="Press"><action name="Focus"/><action name="Raise"/></mousebind><mousebind button="Right" action="Press"><action name="Focus"/><action name="Raise"/></mousebind></context>
    <context name="Close"><mousebind button="Left" action="Click"><action name="Close"/></mousebind></context>
    <context name="Iconify"><mousebind button="Left" action="Click"><action name="Iconify"/></mousebind></context>
    <context name="Maximize"><mousebind button="Left" action="Click"><action name="ToggleMaximize"/></mousebind></context>
    <context name="Icon"><mousebind button="Left" action="Press"><action name="ShowMenu"><menu>client-menu</menu></action></mousebind></context>
    <context name="Root"><mousebind button="Right" action="Press"><action name="ShowMenu"><menu>root-menu</menu></action></mousebind><mousebind button="Left" action="Press"><action name="Unfocus"/></mousebind></context>
  </mouse>
  <menu><file>)"
         + xml(menu_file)
         + R"(</file><hideDelay>200</hideDelay><middle>no</middle><submenuShowDelay>100</submenuShowDelay></menu>
</openbox_config>
)";
}

std::string openbox_menu(const std::vector<desktop_app>& apps) {
  std::string out = R"(<?xml version="1.0" encoding="UTF-8"?>
<openbox_menu xmlns="http://openbox.org/3.4/menu">
  <menu id="root-menu" label="Applications">
)";
  for (const auto& app : apps)
    out += "    <item label=\"" + xml(app.label) + "\"><action name=\"Execute\"><command>"
           + xml(app.command) + "</command></action></item>\n";
  return out + "  </menu>\n</openbox_menu>\n";
}

std::string panel_config(const std::string& run_dir, const std::vector<desktop_app>& apps) {
  std::string out = R"(rounded = 0
border_width = 0
background_color = #10161d 92
rounded = 4
border_width = 0
background_color = #2c3a4a 100
panel_items = LTSC
panel_size = 100% 34
panel_position = bottom center horizontal
panel_padding = 6 3 6
panel_background_id = 1
panel_layer = top
strut_policy = follow_size
wm_menu = 1
panel_window_name = holt-panel
disable_transparency = 1
taskbar_mode = single_desktop
taskbar_padding = 2 0 4
task_text = 1
task_icon = 1
task_maximum_size = 180 30
task_padding = 6 2 6
task_font = DejaVu Sans 9
task_font_color = #d7dde5 100
task_background_id = 0
task_active_background_id = 2
mouse_left = toggle_iconify
mouse_middle = none
mouse_right = close
launcher_padding = 4 2 6
launcher_background_id = 0
launcher_icon_size = 24
launcher_icon_theme = Adwaita
launcher_tooltip = 1
time1_format = %H:%M
time1_font = DejaVu Sans 9
clock_font_color = #d7dde5 100
clock_padding = 8 2
clock_background_id = 0
tooltip_padding = 6 4
tooltip_background_id = 1
tooltip_font = DejaVu Sans 9
tooltip_font_color = #d7dde5 100
)";
  for (const auto& app : apps)
    out += "launcher_item_app = " + run_dir + "/" + app.id + ".desktop\n";
  return out;
}

std::string desktop_entry(const desktop_app& app) {
  // tint2 splits Exec itself; sh keeps quoting right.
  auto command = app.command;
  if (command.find('\'') != std::string::npos) {
    std::string escaped;
    for (char ch : command)
      escaped += ch == '"' || ch == '\\' || ch == '$' || ch == '`' ? std::string{"\\"} + ch
                                                                   : std::string{ch};
    command = "sh -c \"" + escaped + "\"";
  }
  return "[Desktop Entry]\nType=Application\nName=" + app.label + "\nExec=" + command
         + "\nIcon=" + app.icon + "\nTerminal=false\n";
}

std::string browser_script(const std::string& program, const std::string& profile, bool sandbox) {
  const bool firefox = program.find("firefox") != std::string::npos;
  std::string out = "#!/bin/sh\n";
  // Chromium tells what is in its pages only when it is made to.
  if (!firefox)
    out += "[ \"$ACCESSIBILITY_ENABLED\" = 1 ] && set -- --force-renderer-accessibility \"$@\"\n";
  out += "exec " + program;
  if (firefox) {
    out += " --no-remote --profile '" + profile + "'";
  } else {
    out += " --user-data-dir='" + profile + "'";
    out += " --no-first-run --no-default-browser-check --password-store=basic --disable-gpu"
           " --disable-dev-shm-usage --test-type";
    if (!sandbox)
      out += " --no-sandbox";
  }
  return out + " \"$@\"\n";
}

bool user_namespaces_work() {
  auto pid = fork();
  if (pid == 0)
    _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
  int status = 1;
  return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status)
         && WEXITSTATUS(status) == 0;
}

} // namespace holt
