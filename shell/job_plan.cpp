// SPDX-License-Identifier: Apache-2.0

#include "shell/job_plan.hpp"

#include "shell/job_surroundings.hpp"
#include "shell/spill_file.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace holt::shell {
namespace {

constexpr int script_number = 3;

/// The shell reads it by its descriptor and closes that one first, so that no program of the
/// script inherits it. On the first line: line numbers in messages stay right.
constexpr std::string_view first_words = "exec 3<&-; ";

result<files::unique_fd> write_script(const shell_request& what, const shell_defaults& defaults,
                                      const process_spec& spec) {
  auto fd = open_unnamed(defaults.script_dir);
  if (!fd)
    fd = files::unique_fd{::memfd_create("holt-script", MFD_CLOEXEC)};
  if (!fd || ::fchmod(fd.get(), 0600) != 0
      || (spec.user && ::fchown(fd.get(), spec.user->uid, spec.user->gid) != 0))
    return files::from_errno(errno, "the script of a long command line");
  std::string text{first_words};
  text += what.cmd;
  for (std::string_view left = text; !left.empty();) {
    const auto n = ::write(fd.get(), left.data(), left.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return files::from_errno(errno, "the script of a long command line");
    left.remove_prefix(static_cast<std::size_t>(n));
  }
  return {boost::system::in_place_value, std::move(fd)};
}

} // namespace

result<process_spec> make_surroundings(const shell_defaults& defaults,
                                       const std::map<std::string, std::string>& env,
                                       bool terminal) {
  process_spec spec;
  if (defaults.environment)
    spec.env = defaults.environment();
  if (!defaults.user.empty() && ::geteuid() == 0) {
    auto user = find_user(defaults.user);
    if (!user)
      return user.error();
    spec.user = std::move(user->ids);
    for (auto& [name, value] : user->environment)
      spec.env[name] = value;
  }
  for (const auto& [name, value] : env)
    spec.env[name] = value;
  spec.env.emplace("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin");
  if (terminal)
    spec.env.emplace("TERM", "xterm-256color");
  return {boost::system::in_place_value, std::move(spec)};
}

result<launch_plan> make_plan(const shell_request& what, const shell_defaults& defaults,
                              std::string_view key) {
  auto made = make_surroundings(defaults, what.env, what.pty);
  if (!made)
    return made.error();
  auto& spec = *made;
  spec.cwd = what.cwd.empty() ? "/" : what.cwd;
  spec.stdio = what.pty ? stdio_layout::terminal : stdio_layout::separate;
  spec.input = what.keep_stdin || what.standard_input.has_value();
  spec.columns = static_cast<std::uint16_t>(what.columns);
  spec.rows = static_cast<std::uint16_t>(what.rows);
  files::unique_fd script;
  if (what.cmd.size() < max_argument) {
    spec.argv = {defaults.shell, "-c", what.cmd};
  } else {
    auto written = write_script(what, defaults, spec);
    if (!written)
      return written.error();
    script = std::move(*written);
    spec.descriptors[script_number] = script.get();
    spec.argv = {defaults.shell, "-c", ". /proc/self/fd/3"};
  }
  return launch_plan::make(spec, key);
}

} // namespace holt::shell
