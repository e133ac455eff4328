// SPDX-License-Identifier: Apache-2.0

// decode_shell_request: the body of shell.exec and shell.start, checked.

#include "shell/job_surroundings.hpp"
#include "shell/shell_job.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

namespace holt::shell {
namespace {

using nlohmann::json;

constexpr std::size_t max_cmd = 4 * 1024 * 1024;
/// What one argument or variable may hold is the kernel's (MAX_ARG_STRLEN, with its NUL).
constexpr std::size_t max_variable = 128 * 1024 - 1;
constexpr std::size_t max_environment = 512 * 1024;
constexpr std::size_t max_stdin = 16 * 1024 * 1024;
constexpr std::int64_t max_terminal = 4096;

error wrong(const std::string& field, const std::string& what) {
  return {errc::invalid_request, field + " must be " + what};
}

/// Null counts as missing.
const json* find(const json& body, const char* field) {
  const auto at = body.find(field);
  return at == body.end() || at->is_null() ? nullptr : &*at;
}

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

result<void> read_cmd(const json& body, shell_request& into) {
  const auto* cmd = find(body, "cmd");
  if (!cmd)
    return error{errc::invalid_request, "cmd is missing"};
  if (!cmd->is_string())
    return wrong("cmd", "a string");
  into.cmd = cmd->get<std::string>();
  if (into.cmd.size() > max_cmd)
    return wrong("cmd", "at most 4 MiB long");
  if (has_nul(into.cmd))
    return wrong("cmd", "free of NUL characters");
  return {};
}

result<void> read_cwd(const json& body, const files::path_jail& jail, shell_request& into) {
  std::string path = jail.workspace();
  if (const auto* cwd = find(body, "cwd")) {
    if (!cwd->is_string())
      return wrong("cwd", "a string");
    path = cwd->get<std::string>();
  }
  auto folder = real_folder(jail, path);
  if (!folder)
    return folder.error().code == errc::invalid_request
             ? wrong("cwd", "a path (" + folder.error().detail + ")")
             : folder.error();
  into.cwd = std::move(*folder);
  return {};
}

result<void> read_env(const json& body, shell_request& into) {
  const auto* env = find(body, "env");
  if (!env)
    return {};
  if (!env->is_object())
    return wrong("env", "an object of strings");
  std::size_t sum = 0;
  for (const auto& [name, value] : env->items()) {
    if (!value.is_string())
      return wrong("env." + name, "a string");
    const auto& text = value.get_ref<const std::string&>();
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name) || has_nul(text))
      return wrong("env", "made of names without '=' and without NUL characters");
    const auto size = name.size() + text.size() + 1;
    sum += size;
    if (size > max_variable || sum > max_environment)
      return wrong("env", "at most 512 KiB, each variable below 128 KiB");
    into.env[name] = text;
  }
  return {};
}

result<void> read_stdin(const json& body, shell_request& into) {
  const auto* given = find(body, "stdin");
  if (!given)
    return {};
  if (!given->is_string())
    return wrong("stdin", "a string");
  auto text = given->get<std::string>();
  if (const auto* encoding = find(body, "stdin_encoding")) {
    if (*encoding == "base64") {
      auto bytes = from_base64(text);
      if (!bytes)
        return wrong("stdin", "base64");
      text = std::move(*bytes);
    } else if (*encoding != "utf8") {
      return wrong("stdin_encoding", "utf8 or base64");
    }
  }
  if (text.size() > max_stdin)
    return wrong("stdin", "at most 16 MiB long");
  into.standard_input = std::move(text);
  return {};
}

result<void> read_timeout(const command& what, const shell_defaults& defaults,
                          shell_request& into) {
  const bool exec = what.kind == command_kind::shell_exec;
  if (exec)
    into.timeout = std::min(defaults.timeout, defaults.max_timeout);
  const auto* given = find(what.body, "timeout");
  if (!given)
    return {};
  const auto seconds = given->is_number() ? given->get<double>() : -1.0;
  if (!(seconds > 0) || !std::isfinite(seconds))
    return wrong("timeout", "a number of seconds above 0");
  const auto most = exec ? std::chrono::duration<double>(defaults.max_timeout).count() : 1e9;
  if (seconds > most)
    return wrong("timeout",
                 "at most " + std::to_string(static_cast<std::int64_t>(most)) + " seconds");
  const auto ms = static_cast<std::int64_t>(std::ceil(seconds * 1000));
  into.timeout = std::chrono::milliseconds{std::max<std::int64_t>(ms, 1)};
  return {};
}

result<void> read_flag(const json& body, const char* field, bool& into) {
  const auto* given = find(body, field);
  if (!given)
    return {};
  if (!given->is_boolean())
    return wrong(field, "true or false");
  into = given->get<bool>();
  return {};
}

result<void> read_number(const json& body, const char* field, std::int64_t least, std::int64_t most,
                         std::int64_t& into) {
  const auto* given = find(body, field);
  if (!given)
    return {};
  const bool good = given->is_number_unsigned()
                      ? given->get<std::uint64_t>() <= static_cast<std::uint64_t>(most)
                      : given->is_number_integer() && given->get<std::int64_t>() <= most;
  if (!good || given->get<std::int64_t>() < least)
    return wrong(field, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
  into = given->get<std::int64_t>();
  return {};
}

result<void> read_sizes(const json& body, const shell_defaults& defaults, shell_request& into) {
  std::int64_t columns = into.columns;
  std::int64_t rows = into.rows;
  auto output = static_cast<std::int64_t>(defaults.max_output);
  constexpr std::int64_t any = 1LL << 50;
  for (const auto& got : {read_number(body, "columns", 1, max_terminal, columns),
                          read_number(body, "rows", 1, max_terminal, rows),
                          read_number(body, "max_output", 0, any, output)})
    if (!got)
      return got;
  into.columns = static_cast<unsigned>(columns);
  into.rows = static_cast<unsigned>(rows);
  // Who asks for more gets what there is; `truncated` says so.
  into.max_output = std::min(static_cast<std::size_t>(output), defaults.max_output);
  return {};
}

} // namespace

result<shell_request> decode_shell_request(const command& what, const files::path_jail& jail,
                                           const shell_defaults& defaults) {
  if (what.kind != command_kind::shell_exec && what.kind != command_kind::shell_start)
    return error{errc::invalid_request, "type must be shell.exec or shell.start"};
  shell_request out;
  const auto& body = what.body;
  if (!body.is_object())
    return error{errc::invalid_request, "a command is a JSON object"};
  out.keep_stdin = what.kind == command_kind::shell_start;
  // The folder last: it is the only one that looks at the file system.
  if (auto got = read_cmd(body, out); !got)
    return got.error();
  if (auto got = read_env(body, out); !got)
    return got.error();
  if (auto got = read_stdin(body, out); !got)
    return got.error();
  if (auto got = read_timeout(what, defaults, out); !got)
    return got.error();
  if (auto got = read_flag(body, "pty", out.pty); !got)
    return got.error();
  if (auto got = read_sizes(body, defaults, out); !got)
    return got.error();
  if (auto got = read_cwd(body, jail, out); !got)
    return got.error();
  return {boost::system::in_place_value, std::move(out)};
}

} // namespace holt::shell
