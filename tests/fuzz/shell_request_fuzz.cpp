// SPDX-License-Identifier: Apache-2.0

#include "shell/shell_job.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace holt;

namespace {

std::shared_ptr<const files::path_jail> jail() {
  files::jail_options how;
  how.roots = {"/tmp"};
  auto opened = files::path_jail::open(how);
  fuzz::must(opened.has_value(), "there is a /tmp");
  return *opened;
}

} // namespace

FUZZ(shell_request) {
  static const auto root = jail();
  const auto body = nlohmann::json::parse(fuzz::text(data), nullptr, false);
  if (body.is_discarded())
    return;
  const shell::shell_defaults defaults;
  for (const auto kind : {command_kind::shell_exec, command_kind::shell_start}) {
    command what;
    what.kind = kind;
    what.body = body;
    const auto got = shell::decode_shell_request(what, *root, defaults);
    if (!got) {
      fuzz::must(!got.error().detail.empty(), "an error says what is wrong");
      continue;
    }
    fuzz::must(got->cmd.find('\0') == std::string::npos, "no NUL in a command line");
    fuzz::must(got->cwd == "/tmp" || got->cwd.starts_with("/tmp/"), "it starts inside the root");
    fuzz::must(got->max_output <= defaults.max_output, "what is kept is bounded");
    fuzz::must(!got->timeout || got->timeout->count() > 0, "a time limit is above 0");
    if (kind == command_kind::shell_exec)
      fuzz::must(got->timeout && *got->timeout <= defaults.max_timeout, "exec has a time limit");
    fuzz::must(got->columns > 0 && got->rows > 0, "a terminal has a size");
    for (const auto& [name, value] : got->env)
      fuzz::must(!name.empty() && name.find('=') == std::string::npos
                   && (name + value).find('\0') == std::string::npos,
                 "a variable is one");
  }
}
