// SPDX-License-Identifier: Apache-2.0
#pragma once

// The programs that a person would find in a menu: desktop files of the system. Reading is pure;
// listing reads files and blocks. Unreadable and senseless files are left out.

#include "messages/error.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holt::desktop {

struct application {
  std::string id; ///< file name without `.desktop`
  std::string name;
  std::string comment;
  std::string icon;
  std::vector<std::string> command; ///< argv, without the places for files
  std::vector<std::string> categories;
  bool terminal = false; ///< wants one to run in
};

/// The application of a desktop file; nothing for other types, hidden ones and broken files.
std::optional<application> read_desktop_file(std::string_view id, std::string_view text);

/// The argv of an Exec line (quotes, escapes, field codes); empty when it is broken.
std::vector<std::string> split_exec(std::string_view line);

/// Those of `data_dirs` (a list like XDG_DATA_DIRS), by name; the first folder wins.
std::vector<application> list_applications(const std::string& data_dirs);

} // namespace holt::desktop
