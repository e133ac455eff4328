// SPDX-License-Identifier: Apache-2.0

#include "shell/process_room.hpp"

#include <boost/asio/strand.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace holt::shell {
namespace {

constexpr std::string_view prefix = "proc_";
constexpr std::chrono::milliseconds end_limit{2'000};

std::optional<std::uint64_t> number_of(std::string_view id) {
  std::uint64_t number = 0;
  if (!id.starts_with(prefix))
    return std::nullopt;
  id.remove_prefix(prefix.size());
  const auto [end, ec] = std::from_chars(id.data(), id.data() + id.size(), number);
  const bool whole = ec == std::errc{} && end == id.data() + id.size() && id.front() != '0';
  return whole ? std::optional{number} : std::nullopt;
}

nlohmann::json ending(const process_end& how) {
  nlohmann::json out{{"duration_ms", how.duration.count()}};
  if (how.status && how.status->code)
    out["exit_code"] = *how.status->code;
  if (how.status && how.status->signal)
    out["signal"] = *how.status->signal;
  if (how.timed_out)
    out["timed_out"] = true;
  return out;
}

} // namespace

nlohmann::json to_json_document(const process_limits& what) {
  return {{"maxConcurrentProcesses", what.max_concurrent},
          {"defaultRunTimeoutMs", what.default_run_timeout_ms},
          {"maxRunTimeoutMs", what.max_run_timeout_ms},
          {"maxOutputBytes", what.max_output_bytes},
          {"maxLogBytesPerProcess", what.max_log_bytes},
          {"maxInputBytesPerRequest", what.max_input_bytes}};
}

error start_error(const error& why) {
  switch (why.code) {
  case errc::dependency_missing: return {errc::not_found, "command: " + why.detail};
  case errc::not_found:
  case errc::not_directory:
  case errc::denied: return {why.code, "cwd: " + why.detail};
  default: return why;
  }
}

process_room::process_room(parts with)
  : parts_{std::move(with)},
    strand_{boost::asio::make_strand(parts_.executor)},
    taken_{std::make_shared<std::atomic<std::size_t>>(0)} {}

process_room::~process_room() {
  for (auto& [number, one] : starting_)
    one->kill(end_limit, [] {});
  for (auto& [number, one] : all_)
    if (!one->exited())
      one->kill(end_limit, [] {});
  for (auto& [number, job] : runs_)
    job->kill([] {});
}

result<std::function<void()>> process_room::take_place() {
  if (*taken_ >= parts_.limits.max_concurrent)
    return error{errc::conflict, "maxConcurrentProcesses ("
                                   + std::to_string(parts_.limits.max_concurrent)
                                   + ") run already"};
  ++*taken_;
  return std::function<void()>{[taken = taken_] { --*taken; }};
}

// -- long-lived

void process_room::create(process_request what,
                          std::function<void(result<live_process_ptr>)> answer) {
  auto leave = take_place();
  if (!leave)
    return answer(leave.error());
  const auto number = ++*parts_.numbers;
  log_limits keep;
  keep.bytes = parts_.limits.max_log_bytes;
  auto one
    = std::make_shared<live_process>(std::string{prefix} + std::to_string(number), std::move(what),
                                     keep, parts_.defaults.spill_dir, parts_.executor);
  if (one->asked().lossless)
    one->expect_reader();
  starting_.emplace(number, one);
  process_hooks hooks;
  hooks.on_started = [one, number, leave = *leave, post = parts_.post,
                      answer = std::move(answer)](const result<pid_t>& got) {
    if (got)
      one->started(*got);
    else
      leave();
    post([one, number, got, answer](process_room& room) {
      room.starting_.erase(number);
      if (!got) {
        room.parts_.tell({{"id", one->id()},
                          {"phase", "failed"},
                          {"command", one->asked().command},
                          {"detail", got.error().detail}});
        return answer(start_error(got.error()));
      }
      room.all_.emplace(number, one);
      room.parts_.tell({{"id", one->id()},
                        {"phase", "started"},
                        {"command", one->asked().command},
                        {"args", one->asked().args},
                        {"tty", one->terminal()},
                        {"tags", one->asked().tags},
                        {"pid", *got}});
      answer(one);
    });
  };
  hooks.on_output
    = [one](output_stream stream, std::string_view bytes) { one->printed(stream, bytes); };
  hooks.on_ended = [one, leave = *leave, post = parts_.post](const process_end& how) {
    leave();
    one->ended(how);
    post([one, how](process_room& room) { room.process_ended(one, how); });
  };
  one->set_job(process_job::start(parts_.tools, strand_, one->asked().plan, parts_.defaults,
                                  std::move(hooks)));
}

void process_room::process_ended(const live_process_ptr& who, const process_end& how) {
  auto news = ending(how);
  news["id"] = who->id();
  news["phase"] = "exited";
  parts_.tell(std::move(news));
  forget_old();
}

void process_room::forget_old() {
  auto ended = static_cast<std::size_t>(
    std::count_if(all_.begin(), all_.end(), [](const auto& one) { return one.second->exited(); }));
  for (auto at = all_.begin(); at != all_.end() && ended > parts_.keep_ended;) {
    if (!at->second->exited()) {
      ++at;
      continue;
    }
    at = all_.erase(at);
    --ended;
  }
}

live_process_ptr process_room::find(std::string_view id) const {
  const auto number = number_of(id);
  const auto at = number ? all_.find(*number) : all_.end();
  return at == all_.end() ? nullptr : at->second;
}

std::vector<live_process_ptr> process_room::list() const {
  std::vector<live_process_ptr> out;
  out.reserve(all_.size());
  for (const auto& [number, one] : all_)
    out.push_back(one);
  return out;
}

result<void> process_room::remove(const std::string& id) {
  const auto number = number_of(id);
  const auto at = number ? all_.find(*number) : all_.end();
  if (at == all_.end())
    return error{errc::not_found, "process " + id};
  if (!at->second->exited())
    return error{errc::conflict, "process is still running; stop or kill it before delete"};
  at->second->set_job(nullptr);
  all_.erase(at);
  parts_.tell({{"id", id}, {"phase", "removed"}});
  return {};
}

// -- one-shot

/// What a run prints, up to its bound.
struct process_room::one_run {
  struct side {
    std::string text;
    bool truncated = false;
  };
  std::size_t limit = 0;
  bool base64 = false;
  side out;
  side err;

  void take(output_stream stream, std::string_view bytes) {
    auto& into = stream == output_stream::err ? err : out;
    const auto room = limit - into.text.size();
    into.text.append(bytes.substr(0, room));
    into.truncated = into.truncated || bytes.size() > room;
  }

  nlohmann::json document(const process_end& how) {
    nlohmann::json result{{"exitCode", nullptr},
                          {"timedOut", how.timed_out},
                          {"stdout", base64 ? to_base64(out.text) : std::move(out.text)},
                          {"stderr", base64 ? to_base64(err.text) : std::move(err.text)},
                          {"stdoutTruncated", out.truncated},
                          {"stderrTruncated", err.truncated},
                          {"durationMs", how.duration.count()}};
    if (how.status && how.status->code && !how.timed_out)
      result["exitCode"] = *how.status->code;
    if (how.status && how.status->signal)
      result["signal"] = *how.status->signal;
    if (base64)
      result["encoding"] = "base64";
    return result;
  }
};

void process_room::run(run_request what, std::function<void(result<nlohmann::json>)> answer) {
  auto leave = take_place();
  if (!leave)
    return answer(leave.error());
  const auto number = ++last_run_;
  const auto id = "run_" + std::to_string(number);
  auto seen = std::make_shared<one_run>();
  seen->limit = what.max_output;
  seen->base64 = what.base64;
  parts_.tell({{"id", id}, {"phase", "started"}, {"command", what.command}, {"args", what.args}});
  auto over = [number, id, post = parts_.post](nlohmann::json news) {
    news["id"] = id;
    post([number, news = std::move(news)](process_room& room) {
      room.runs_.erase(number);
      room.parts_.tell(news);
    });
  };
  process_hooks hooks;
  hooks.on_started = [answer, over, leave = *leave](const result<pid_t>& got) {
    if (got)
      return;
    leave();
    over({{"phase", "failed"}, {"detail", got.error().detail}});
    answer(start_error(got.error()));
  };
  hooks.on_output
    = [seen](output_stream stream, std::string_view bytes) { seen->take(stream, bytes); };
  hooks.on_ended = [seen, answer, over, leave = *leave](const process_end& how) {
    leave();
    answer({boost::system::in_place_value, seen->document(how)});
    auto news = ending(how);
    news["phase"] = "exited";
    over(std::move(news));
    *seen = {}; // what was left behind goes on, unheard
  };
  runs_.emplace(number, process_job::start(parts_.tools, strand_, what.plan, parts_.defaults,
                                           std::move(hooks)));
}

} // namespace holt::shell
