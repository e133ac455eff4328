// SPDX-License-Identifier: Apache-2.0

// holt attach, and exec -t: a real terminal. Leaving an attached process never ends it.

#include "app/sandbox_verbs.hpp"
#include "app/terminal_verb.hpp"
#include "app/verb_tools.hpp"
#include "client/process_log.hpp"
#include "client/terminal_session.hpp"

#include <csignal>
#include <iostream>
#include <unistd.h>

namespace holt {

namespace {

using namespace std::chrono_literals;
using client::terminal_end;
using nlohmann::json;

constexpr const char* usual_keys = "ctrl-p,ctrl-q";

int told(const terminal_end& end, const command_line& line, const std::string& id) {
  const bool left = end.how == terminal_end::kind::detached;
  if (line.json) {
    json row{{"id", id}, {"detached", left}};
    if (end.exit_code)
      row["exitCode"] = *end.exit_code;
    if (end.signal)
      row["signal"] = *end.signal;
    std::cout << row.dump() << std::endl;
  } else if (left) {
    std::cerr << "holt: left; " << id << " runs on, `holt attach " << id << "` comes back"
              << std::endl;
  }
  if (end.lost > 0)
    std::cerr << "holt: " << end.lost << " bytes of its output were lost on the way" << std::endl;
  if (!end.complaint.empty())
    std::cerr << "holt: " << end.complaint << std::endl;
  if (left)
    return 0;
  return end.exit_code ? *end.exit_code : 128 + end.signal.value_or(SIGKILL);
}

result<client::terminal_wish> wish_of(const command_line& line, const std::string& id) {
  client::terminal_wish out;
  auto keys = client::detach_keys::read(line.sandbox.detach_keys.value_or(usual_keys));
  if (!keys)
    return keys.error();
  out.id = id;
  out.keys = std::move(*keys);
  return out;
}

} // namespace

int run_in_terminal(const daemon_client& client, const command_line& line, const std::string& id) {
  auto wish = wish_of(line, id);
  if (!wish)
    return complain(wish.error());
  wish->offset = 0;
  const auto api = client.api();
  auto end = client::join_terminal(api.to(), *wish);
  if (end && end->how == terminal_end::kind::detached)
    return told(*end, line, id);
  (void)api.call("POST", client::process_route(id, "/kill?waitMs=10000"), nullptr, 15s);
  (void)api.call("DELETE", client::process_route(id, ""), nullptr, 10s);
  return end ? told(*end, line, id) : complain(end.error());
}

int verb_attach(const command_line& line) {
  const auto& asked = line.sandbox;
  if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1)
    return complain({errc::usage, "attach needs a terminal on stdin and stdout; `holt logs -f "
                                    + asked.process + "` does not"});
  auto client = daemon_client::find(line);
  auto wish = wish_of(line, asked.process);
  if (!client || !wish)
    return complain(!client ? client.error() : wish.error());
  wish->live_only = asked.no_replay;
  auto end = client::join_terminal(client->api().to(), *wish);
  return end ? told(*end, line, asked.process) : complain(end.error());
}

} // namespace holt
