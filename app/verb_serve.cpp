// SPDX-License-Identifier: Apache-2.0
#include "app/daemon.hpp"
#include "app/daemon_client.hpp"
#include "app/verbs.hpp"
#include "transport/keeper.hpp"
#include "transport/state_dir.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

namespace holt {

namespace {

result<std::string> choose_workspace(const std::string& wanted) {
  std::error_code ec;
  auto path = std::filesystem::absolute(wanted.empty() ? "." : wanted, ec);
  std::filesystem::create_directories(path, ec);
  if (ec || !std::filesystem::is_directory(path, ec))
    return error{errc::config, "the workspace '" + path.string() + "' cannot be used"
                                 + (ec ? ": " + ec.message() : "")};
  auto real = std::filesystem::canonical(path, ec);
  return ec ? path.string() : real.string();
}

result<std::string> choose_state_dir(const std::string& wanted) {
  std::error_code ec;
  auto path = wanted.empty() ? default_state_dir() : std::filesystem::path{wanted};
  if (path.empty())
    return error{errc::state_dir, "no folder for the state: set HOME, or --state-dir"};
  return std::filesystem::absolute(path, ec).string();
}

} // namespace

int verb_serve(const command_line& line, int argc, char** argv) {
  auto loaded = load_config(line.config_file, line.flags, ::getenv);
  if (!loaded)
    return complain(loaded.error());
  if (line.print_config) {
    std::cout << print_config(*loaded);
    return 0;
  }
  if (!line.daemon) {
    keeper_options keeper;
    keeper.argv.assign(argv, argv + argc);
    keeper.argv.emplace_back("--as-daemon");
    return run_keeper(keeper);
  }
  auto workspace = choose_workspace(loaded->values.workspace);
  if (!workspace)
    return complain(workspace.error());
  auto state = choose_state_dir(loaded->values.state_dir);
  if (!state)
    return complain(state.error());
  daemon_options how;
  how.config = std::move(*loaded);
  how.state_dir = *state;
  how.workspace = *workspace;
  if (!line.ready_file.empty())
    how.ready_file = std::filesystem::absolute(line.ready_file).string();
  how.banner = isatty(STDERR_FILENO) == 1;
  return run_daemon(how);
}

} // namespace holt
