// SPDX-License-Identifier: Apache-2.0

#include "shell/process_fields.hpp"

#include "files/fields.hpp"
#include "shell/job_plan.hpp"
#include "shell/job_surroundings.hpp"
#include "shell/process_bounds.hpp"
#include "transport/whole_number.hpp"

#include <array>
#include <csignal>
#include <initializer_list>
#include <utility>

namespace holt::shell {
namespace {

using files::field_reader;
using nlohmann::json;

/// One sentence of its parts. Not `+`: GCC 12 sees array bounds broken in it.
std::string say(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const auto part : parts)
    out.append(part);
  return out;
}

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

/// Null counts as missing.
const json* find(const json& body, const char* field) {
  const auto at = body.find(field);
  return at == body.end() || at->is_null() ? nullptr : &*at;
}

/// Every element a string; empty ones are fine.
std::vector<std::string> strings(field_reader& from, const json& body, const char* field) {
  std::vector<std::string> out;
  const auto* got = from.wrong() ? nullptr : find(body, field);
  if (!got)
    return out;
  if (!got->is_array()) {
    from.refuse(errc::unprocessable, say({field, " must be an array of strings"}));
    return out;
  }
  for (std::size_t i = 0; i < got->size(); ++i) {
    if (!(*got)[i].is_string()) {
      from.refuse(errc::unprocessable, say({field, "[", std::to_string(i), "] must be a string"}));
      return {};
    }
    out.push_back((*got)[i].get<std::string>());
  }
  return out;
}

void read_program(field_reader& from, const json& body, std::string& command,
                  std::vector<std::string>& args, process_plan& plan) {
  command = from.text("command");
  args = strings(from, body, "args");
  if (from.wrong())
    return;
  if (command.empty())
    from.refuse(errc::invalid_request, "command must not be empty");
  plan.argv.push_back(command);
  plan.argv.insert(plan.argv.end(), args.begin(), args.end());
  std::size_t sum = 0;
  for (std::size_t i = 0; i < plan.argv.size(); ++i) {
    const auto name = i == 0 ? say({"command"}) : say({"args[", std::to_string(i - 1), "]"});
    sum += plan.argv[i].size() + 1;
    if (has_nul(plan.argv[i]))
      from.refuse(errc::invalid_request, say({name, " must be free of NUL characters"}));
    if (plan.argv[i].size() >= max_argument)
      from.refuse(errc::invalid_request, say({name, " must be shorter than 128 KiB"}));
  }
  if (sum > bounds::arguments)
    from.refuse(errc::invalid_request, "args must be at most 1 MiB together");
}

void read_environment(field_reader& from, const json& body, process_plan& plan) {
  const auto* env = from.wrong() ? nullptr : find(body, "env");
  if (!env)
    return;
  if (!env->is_object())
    return from.refuse(errc::unprocessable, "env must be an object of strings");
  std::size_t sum = 0;
  for (const auto& [name, value] : env->items()) {
    if (!value.is_string())
      return from.refuse(errc::unprocessable, say({"env.", name, " must be a string"}));
    const auto& text = value.get_ref<const std::string&>();
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name) || has_nul(text))
      return from.refuse(errc::invalid_request,
                         "env must be made of names without '=' and without NUL characters");
    const auto size = name.size() + text.size() + 1;
    sum += size;
    if (size >= max_argument || sum > bounds::environment)
      return from.refuse(errc::invalid_request,
                         "env must be at most 512 KiB, each variable below 128 KiB");
    plan.env[name] = text;
  }
}

/// Last: it is the only one that looks at the file system.
result<void> read_folder(field_reader& from, const files::path_jail& jail, process_plan& plan,
                         std::string& shown) {
  auto cwd = from.optional_text("cwd");
  if (from.wrong())
    return from.why();
  shown = cwd.value_or("");
  auto folder = real_folder(jail, cwd.value_or(jail.workspace()));
  if (!folder)
    return error{folder.error().code, say({"cwd: ", folder.error().detail})};
  plan.cwd = std::move(*folder);
  return {};
}

void read_tags(field_reader& from, const json& body, process_request& into) {
  into.tags = strings(from, body, "tags");
  bool good = into.tags.size() <= bounds::tags;
  for (const auto& tag : into.tags)
    good = good && !tag.empty() && tag.size() <= bounds::tag;
  if (!good)
    from.refuse(errc::invalid_request, "tags must be at most 16, each of 1 to 128 bytes");
}

constexpr std::array<std::pair<std::string_view, int>, 31> signals{
  {{"HUP", SIGHUP},       {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"ILL", SIGILL},
   {"TRAP", SIGTRAP},     {"ABRT", SIGABRT}, {"BUS", SIGBUS},   {"FPE", SIGFPE},
   {"KILL", SIGKILL},     {"USR1", SIGUSR1}, {"SEGV", SIGSEGV}, {"USR2", SIGUSR2},
   {"PIPE", SIGPIPE},     {"ALRM", SIGALRM}, {"TERM", SIGTERM}, {"STKFLT", SIGSTKFLT},
   {"CHLD", SIGCHLD},     {"CONT", SIGCONT}, {"STOP", SIGSTOP}, {"TSTP", SIGTSTP},
   {"TTIN", SIGTTIN},     {"TTOU", SIGTTOU}, {"URG", SIGURG},   {"XCPU", SIGXCPU},
   {"XFSZ", SIGXFSZ},     {"PROF", SIGPROF}, {"IO", SIGIO},     {"WINCH", SIGWINCH},
   {"VTALRM", SIGVTALRM}, {"PWR", SIGPWR},   {"SYS", SIGSYS}}};

} // namespace

result<process_request> decode_process(const json& body, const files::path_jail& jail) {
  process_request out;
  field_reader from{body};
  read_program(from, body, out.command, out.args, out.plan);
  read_environment(from, body, out.plan);
  out.plan.terminal = from.flag("tty", false);
  out.interactive = from.flag("interactive", false);
  out.lossless = from.flag("lossless", false);
  out.plan.columns = static_cast<unsigned>(from.number("cols", 1, bounds::terminal).value_or(80));
  out.plan.rows = static_cast<unsigned>(from.number("rows", 1, bounds::terminal).value_or(24));
  read_tags(from, body, out);
  if (auto got = read_folder(from, jail, out.plan, out.cwd); !got)
    return got.error();
  return {boost::system::in_place_value, std::move(out)};
}

result<run_request> decode_run(const json& body, const files::path_jail& jail,
                               const process_limits& limits) {
  run_request out;
  field_reader from{body};
  read_program(from, body, out.command, out.args, out.plan);
  read_environment(from, body, out.plan);
  out.plan.input = false;
  // 0 means the default, as an absent one; more than the most is cut to it.
  const auto given = from.number("timeoutMs", 0, INT64_MAX).value_or(0);
  const auto timeout
    = std::min(given == 0 ? limits.default_run_timeout_ms : given, limits.max_run_timeout_ms);
  out.plan.timeout = std::chrono::milliseconds{static_cast<std::int64_t>(timeout)};
  const auto most = from.number("maxOutputBytes", 0, INT64_MAX).value_or(limits.max_output_bytes);
  out.max_output = static_cast<std::size_t>(std::min(most, limits.max_output_bytes));
  const auto encoding = from.optional_text("encoding").value_or("utf8");
  out.base64 = encoding == "base64";
  if (!out.base64 && encoding != "utf8")
    from.refuse(errc::invalid_request, "encoding must be one of: utf8, base64");
  std::string shown;
  if (auto got = read_folder(from, jail, out.plan, shown); !got)
    return got.error();
  return {boost::system::in_place_value, std::move(out)};
}

result<process_limits> decode_limits(const json& body) {
  process_limits out;
  field_reader from{body};
  const auto read = [&](const char* field, std::uint64_t most, std::uint64_t& into) {
    if (!from.wrong() && !find(body, field))
      from.refuse(errc::unprocessable, say({field, " is missing"}));
    into = from.number(field, 1, most).value_or(into);
  };
  read("maxConcurrentProcesses", bounds::concurrent, out.max_concurrent);
  read("defaultRunTimeoutMs", bounds::ms, out.default_run_timeout_ms);
  read("maxRunTimeoutMs", bounds::ms, out.max_run_timeout_ms);
  read("maxOutputBytes", bounds::bytes, out.max_output_bytes);
  read("maxLogBytesPerProcess", bounds::bytes, out.max_log_bytes);
  read("maxInputBytesPerRequest", bounds::bytes, out.max_input_bytes);
  if (from.wrong())
    return from.why();
  if (out.default_run_timeout_ms > out.max_run_timeout_ms)
    return error{errc::invalid_request, "defaultRunTimeoutMs must be at most maxRunTimeoutMs"};
  return out;
}

result<std::string> decode_input(const json& body, std::string_view fallback, std::uint64_t limit) {
  field_reader from{body};
  auto data = from.text("data");
  const auto encoding = from.optional_text("encoding").value_or(std::string{fallback});
  if (from.wrong())
    return from.why();
  if (encoding == "base64") {
    auto bytes = from_base64(data);
    if (!bytes)
      return error{errc::invalid_request, "data must be base64"};
    data = std::move(*bytes);
  } else if (encoding != "utf8" && encoding != "text") {
    return error{errc::invalid_request, "encoding must be one of: base64, utf8, text"};
  }
  if (data.size() > limit)
    return error{errc::payload_too_large,
                 say({"data exceeds maxInputBytesPerRequest (", std::to_string(limit), ")"})};
  return data;
}

result<terminal_size> decode_size(const json& body) {
  field_reader from{body};
  const auto columns = from.number("cols", 1, bounds::terminal);
  const auto rows = from.number("rows", 1, bounds::terminal);
  if (from.wrong())
    return from.why();
  if (!columns || !rows)
    return error{errc::unprocessable, say({columns ? "rows" : "cols", " is missing"})};
  return terminal_size{static_cast<unsigned>(*columns), static_cast<unsigned>(*rows)};
}

result<int> decode_signal(const json& body) {
  field_reader from{body};
  const auto* given = find(body, "signal");
  if (given && given->is_number()) {
    const auto number = from.number("signal", 1, bounds::last_signal);
    return number ? result<int>{static_cast<int>(*number)} : from.why();
  }
  const auto text = from.text("signal");
  if (from.wrong())
    return from.why();
  const auto bare = std::string_view{text}.substr(text.starts_with("SIG") ? 3 : 0);
  for (const auto& [name, number] : signals)
    if (name == bare)
      return number;
  return error{errc::invalid_request, "signal must be a number from 1 to 64 or a name like TERM"};
}

std::string signal_pattern() {
  std::string out{"^(SIG)?("};
  for (const auto& [name, number] : signals) {
    if (out.back() != '(')
      out += '|';
    out += name;
  }
  return out + ")$";
}

result<std::uint64_t> query_number(const std::optional<std::string_view>& text,
                                   std::string_view name, std::uint64_t fallback,
                                   std::uint64_t most) {
  if (!text)
    return fallback;
  const auto value = whole_number<std::uint64_t>(*text);
  if (!value || *value > most)
    return error{errc::invalid_request,
                 say({name, " must be a whole number from 0 to ", std::to_string(most)})};
  return *value;
}

} // namespace holt::shell
