// SPDX-License-Identifier: Apache-2.0

// holt exec: a program of the sandbox with our stdin, its output as it comes and its exit code as
// ours. Whatever ends us ends its whole tree, but for --detach and the detach keys.

#include "app/sandbox_verbs.hpp"
#include "app/terminal_verb.hpp"
#include "app/verb_tools.hpp"
#include "client/input_pump.hpp"
#include "client/interrupts.hpp"
#include "client/process_input.hpp"
#include "client/process_log.hpp"

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <unistd.h>

namespace holt {

namespace {

using namespace std::chrono_literals;
using client::api;
using nlohmann::json;

constexpr int timed_out = 124;      ///< as timeout(1)
constexpr int not_executable = 126; ///< as a shell
constexpr int not_there = 127;

result<json> environment_of(const std::vector<std::string>& typed) {
  json out = json::object();
  for (const auto& one : typed) {
    const auto equals = one.find('=');
    const auto name = one.substr(0, equals);
    if (name.empty())
      return error{errc::usage, "--env is NAME=VALUE, or NAME for the value that it has here"};
    if (equals != std::string::npos)
      out[name] = one.substr(equals + 1);
    else if (const char* ours = std::getenv(name.c_str()))
      out[name] = ours;
  }
  return {boost::system::in_place_value, std::move(out)};
}

result<json> wish_of(const sandbox_options& asked) {
  auto env = environment_of(asked.env);
  if (!env)
    return env.error();
  json out{{"command", asked.command.front()}};
  out["args"] = std::vector<std::string>(asked.command.begin() + 1, asked.command.end());
  if (!asked.cwd.empty())
    out["cwd"] = sandbox_path(asked.cwd);
  if (asked.tty) {
    const auto size = client::window_size();
    out["tty"] = true;
    out["interactive"] = true;
    if (!env->contains("TERM")) {
      const char* term = std::getenv("TERM");
      (*env)["TERM"] = term != nullptr ? term : "xterm-256color";
    }
    if (size) {
      out["cols"] = size->columns;
      out["rows"] = size->rows;
    }
  }
  out["lossless"] = !asked.tty && !asked.detach;
  if (!env->empty())
    out["env"] = std::move(*env);
  return {boost::system::in_place_value, std::move(out)};
}

int start_refused(const error& why) {
  const int code = complain(why);
  const bool program = why.detail.rfind("command", 0) == 0;
  if (program && why.code == errc::not_found)
    return not_there;
  return program && why.code == errc::denied ? not_executable : code;
}

/// The process is gone with all that it started.
void end_tree(const api& to, const std::string& id) {
  (void)to.call("POST", client::process_route(id, "/kill?waitMs=10000"), nullptr, 15s);
  (void)to.call("DELETE", client::process_route(id, ""), nullptr, 10s);
}

void say(const json& event) {
  std::cout << event.dump() << std::endl;
}

/// One process without a terminal, from its start to its end.
class run {
public:
  run(const daemon_client& client, const command_line& line, std::string id)
    : asked_{line.sandbox}, as_json_{line.json}, calm_{client.api()}, id_{std::move(id)} {}

  int to_its_end(const daemon_client& client, client::interrupts& stop) {
    if (asked_.timeout_s > 0)
      stop.deadline(std::chrono::milliseconds{
        std::max<std::int64_t>(1, static_cast<std::int64_t>(asked_.timeout_s * 1000))});
    std::unique_ptr<client::input_pump> pump;
    if (asked_.no_stdin)
      (void)calm_.call("POST", client::process_route(id_, "/input/close"));
    else
      pump = feed(client);
    client::log_ears ears;
    ears.lossless = true;
    ears.entry = [this](const client::log_entry& one) { return print_output(one, as_json_); };
    ears.lost = [this](std::uint64_t bytes) { lost(bytes); };
    auto end = client::follow_log(client.api(stop.fd()), id_, 0, ears);
    const int signal = stop.which();
    if (!end && signal != 0)
      return ended_by_us(signal);
    stop.deadline(0ms);
    if (!end)
      return given_up(end.error());
    (void)calm_.call("DELETE", client::process_route(id_, ""), nullptr, 10s);
    return told(*end);
  }

private:
  std::unique_ptr<client::input_pump> feed(const daemon_client& client) {
    auto pump = std::make_unique<client::input_pump>(
      STDIN_FILENO, client::process_input::piece,
      [this](std::string bytes) { return taken(input_->write(bytes)); },
      [this] { (void)taken(input_->close()); });
    input_ = std::make_unique<client::process_input>(client.api(pump->stop_fd()), id_);
    pump->start();
    return pump;
  }

  /// On the input's thread. A process that takes nothing any more is no fault: as SIGPIPE.
  bool taken(const result<void>& done) {
    if (done)
      return true;
    const auto code = done.error().code;
    if (code != errc::conflict && code != errc::cancelled && code != errc::not_found) {
      std::cerr << ("holt: its stdin broke off: " + done.error().detail + "\n") << std::flush;
      input_broke_ = true;
    }
    return false;
  }

  void lost(std::uint64_t bytes) {
    lost_ = true;
    if (as_json_)
      return say({{"event", "lost"}, {"bytes", bytes}});
    std::cerr << "holt: " << bytes
              << " bytes of its output came faster than they could be read here"
              << " and are lost; let it write a file, and get that with `holt cp`" << std::endl;
  }

  int ended_by_us(int signal) {
    end_tree(calm_, id_);
    if (signal != SIGALRM)
      return 128 + signal;
    complain({errc::timeout, "killed: it ran longer than --timeout allows"});
    return timed_out;
  }

  int given_up(const error& why) {
    end_tree(calm_, id_);
    // Our reader left, as in `holt exec yes | head`.
    if (why.code == errc::io && why.detail.rfind("stdout: ", 0) == 0)
      return 128 + SIGPIPE;
    return complain(why);
  }

  int told(const client::process_exit& end) {
    if (as_json_) {
      json row{{"event", "exit"}, {"id", id_}};
      if (end.code)
        row["exitCode"] = *end.code;
      if (end.signal)
        row["signal"] = *end.signal;
      say(row);
    }
    const int code = end.code ? *end.code : 128 + end.signal.value_or(SIGKILL);
    return code == 0 && (lost_ || input_broke_) ? 1 : code;
  }

  const sandbox_options& asked_;
  const bool as_json_;
  const api calm_; ///< not hurried by signals: for what must be put in order
  const std::string id_;
  std::unique_ptr<client::process_input> input_;
  std::atomic<bool> input_broke_{false};
  bool lost_ = false;
};

} // namespace

int verb_exec(const command_line& line) {
  const auto& asked = line.sandbox;
  if (asked.command.empty())
    return complain({errc::usage, "name a program, e.g. `holt exec -- ls -l`"});
  if (asked.tty && !asked.detach && (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1))
    return complain({errc::usage, "-t needs a terminal on stdin and stdout; leave it out here"});
  if (asked.timeout_s < 0 || (asked.timeout_s > 0 && (asked.detach || asked.tty)))
    return complain({errc::usage, "--timeout is a number of seconds, and not for -t or -d"});
  auto wish = wish_of(asked);
  auto client = daemon_client::find(line);
  if (!wish || !client)
    return complain(!wish ? wish.error() : client.error());
  std::signal(SIGPIPE, SIG_IGN);
  client::interrupts stop; // from here on nothing is left running by a ctrl-c
  auto made = client->api().call("POST", "/v1/processes", *wish);
  if (!made)
    return start_refused(made.error());
  const auto id = made->value("id", "");
  if (asked.detach) {
    if (line.json)
      print_json(*made);
    else
      std::cout << id << std::endl;
    return 0;
  }
  if (asked.tty)
    return run_in_terminal(*client, line, id);
  return run{*client, line, id}.to_its_end(*client, stop);
}

} // namespace holt
