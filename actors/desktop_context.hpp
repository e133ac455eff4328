// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the children of the desktop must know of each other: the display that the X server chose,
// the sockets of the buses, the folder for all that. One object for the daemon's life, shared by
// everything that starts a desktop process. Thread-safe.

#include "accessibility/tree.hpp"
#include "desktop/geometry.hpp"
#include "messages/error.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace holt {

class desktop_context {
public:
  /// Makes `<state>/run` (0700), or a folder in /tmp when that path is too long for a socket, with
  /// a fresh X cookie and the configuration files of the desktop. errc::state_dir or no_space.
  static result<std::shared_ptr<desktop_context>> make(const std::string& state_dir,
                                                       const std::string& workspace);

  const std::string& run_dir() const noexcept { return run_dir_; }
  std::string file(const std::string& name) const { return run_dir_ + "/" + name; }
  std::string xauthority() const { return file("Xauthority"); }
  std::string bus_socket() const { return file("bus"); }
  std::string pulse_socket() const { return file("pulse.sock"); }
  std::string bus_address() const { return "unix:path=" + bus_socket(); }
  std::string pulse_server() const { return "unix:" + pulse_socket(); }

  /// `:N` while an X server runs.
  std::string display() const;
  std::optional<unsigned> display_number() const;
  void set_display(std::optional<unsigned> number);

  /// What the screen is meant to be; a restarted engine or x_client sets it again.
  desktop::screen_size size() const;
  unsigned dpi() const;
  void set_size(desktop::screen_size size, unsigned dpi);

  /// Off: programs do not build the tree, and accessibility() is null. Called once, at start.
  void switch_accessibility(bool on);
  /// What reads the tree of this desktop's programs; null when it is switched off.
  const accessibility::desk_ptr& accessibility() const noexcept { return accessibility_; }

  /// The environment of a desktop process: a scrubbed copy of the daemon's, and where display,
  /// bus and sound are. Nothing of ours is in it.
  std::map<std::string, std::string> environment() const;

  const std::string& workspace() const noexcept { return workspace_; }

private:
  desktop_context() = default;

  std::string run_dir_;
  std::string workspace_;
  mutable std::mutex mutex_;
  std::optional<unsigned> display_;
  desktop::screen_size size_{1280, 720, 0};
  unsigned dpi_ = 96;
  accessibility::desk_ptr accessibility_;
};

using desktop_context_ptr = std::shared_ptr<desktop_context>;

/// The part of `all` that children may see (an allow-list), with usable defaults where a variable
/// is missing.
std::map<std::string, std::string> scrubbed_environment(const char* const* all);

} // namespace holt
