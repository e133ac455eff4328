// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which stream engine runs: neko where a supported one is installed, else our own. Looks at
// programs, starts nothing but `neko --version`. Used at start and by `holt doctor`.

#include "messages/error.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace holt {

struct engine_choice {
  std::string name;    ///< neko | builtin
  std::string program; ///< absolute path
  std::string version;
  std::vector<std::string> notes; ///< known faults of this version, or why neko is not taken
};

struct engine_wish {
  std::string engine = "auto"; ///< auto | neko | builtin
  std::string neko_path;       ///< empty: look in `path`
  std::string path;            ///< PATH
  std::string own_dir;         ///< folder of the running program: holt-stream is beside it
};

/// Runs a program for at most 3 s and answers what it printed.
using run_program = std::function<result<std::string>(std::vector<std::string> argv)>;

/// errc::dependency_missing with what to do.
result<engine_choice> choose_engine(const engine_wish& wish, const run_program& run);

using version_number = std::tuple<unsigned, unsigned, unsigned>;

/// The first x.y.z in the text; 0.0.0 when there is none.
version_number find_version(std::string_view text);
std::string to_string(const version_number& version);

/// What is known to be wrong with this neko, a sentence each.
std::vector<std::string> neko_faults(const version_number& version);

} // namespace holt
