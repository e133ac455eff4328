// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the verbs over the API were asked for, as a plain value: a part of the command line.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holt {

struct sandbox_options {
  // -- screenshot
  std::string file;   ///< where to; `-`: stdout. Also record get
  std::string format; ///< png, jpeg, webp; empty: by the file's name
  std::string region; ///< X,Y,WIDTH,HEIGHT
  std::string window; ///< a number of `holt windows`. Also tree
  double scale = 0;   ///< 0.1 to 1; 0: not said
  int quality = 0;    ///< 1 to 100; 0: not said
  int settle_ms = 0;  ///< wait until the screen was quiet so long
  bool with_cursor = false;
  // -- click, type, press
  int x = 0;
  int y = 0;
  std::string button;
  int count = 1;
  std::string modifiers; ///< ctrl,shift,alt,cmd
  bool effect = false;   ///< wait and tell what it did
  std::string text;      ///< `-`: stdin. Also clipboard set
  int delay_ms = 0;      ///< between two characters
  std::string selection; ///< clipboard, primary, both
  // -- tree
  std::string program; ///< its name
  std::string role;
  std::string node_name; ///< a part of it
  int depth = -1;        ///< -1: not said
  bool hidden = false;   ///< also what is not on the screen
  // -- exec
  std::string cwd;
  std::vector<std::string> env; ///< NAME=VALUE, or NAME: ours
  double timeout_s = 0;         ///< 0: none
  bool tty = false;
  bool detach = false;
  bool no_stdin = false;
  std::vector<std::string> command;
  // -- ps, logs, attach
  bool all = false;
  std::string process;
  bool follow = false;
  std::optional<std::uint64_t> tail; ///< lines
  std::string since;                 ///< a sequence, or how long ago: 90s, 5m, 2h
  std::optional<std::string> detach_keys;
  bool no_replay = false;
  // -- cp, cat, ls
  std::string from;
  std::string to;
  std::vector<std::string> paths;
  bool longer = false;
  bool recursive = false;
  // -- record
  std::string recording;
  int fps = 0; ///< 0: not said
};

} // namespace holt
