// SPDX-License-Identifier: Apache-2.0
#include "app/daemon_client.hpp"
#include "app/verbs.hpp"

#include <unistd.h>

#include <iostream>

namespace holt {

namespace {

using nlohmann::json;

std::string colour(const std::string& state) {
  if (isatty(STDOUT_FILENO) != 1)
    return state;
  const char* code = state == "ready"                            ? "32"
                     : state == "failed" || state == "unhealthy" ? "31"
                     : state == "stopped" || state == "idle"     ? "90"
                                                                 : "33";
  return "\x1b[" + std::string{code} + "m" + state + "\x1b[0m";
}

std::string duration(std::int64_t ms) {
  auto s = ms / 1000;
  if (s < 60)
    return std::to_string(s) + " s";
  if (s < 3600)
    return std::to_string(s / 60) + " min";
  return std::to_string(s / 3600) + " h " + std::to_string(s / 60 % 60) + " min";
}

void print(const json& node, const std::string& stem, bool last, bool root) {
  std::cout << stem
            << (root   ? ""
                : last ? "└─ "
                       : "├─ ")
            << node.value("id", "?") << "  " << colour(node.value("state", "?"));
  if (node.contains("pid"))
    std::cout << "  pid " << node["pid"];
  if (node.contains("uptimeMs"))
    std::cout << "  " << duration(node["uptimeMs"]);
  if (node.value("restarts", 0) > 0)
    std::cout << "  restarts " << node["restarts"];
  if (node.contains("reason"))
    std::cout << "  (" << node["reason"].get<std::string>() << ")";
  std::cout << "\n";
  const auto& children = node["children"];
  for (std::size_t i = 0; i < children.size(); ++i)
    print(children[i], root ? "" : stem + (last ? "   " : "│  "), i + 1 == children.size(), false);
}

int watch(const daemon_client& client, bool as_json) {
  auto now = client.call("GET", "/v1/activity?after=18446744073709551615");
  auto after = now ? now->value("next", std::uint64_t{0}) : std::uint64_t{0};
  auto done
    = client.follow("/v1/activity/ws?after=" + std::to_string(after), [as_json](const json& event) {
        if (as_json) {
          std::cout << event.dump() << std::endl;
          return true;
        }
        if (!event.is_object() || event.value("kind", "") != "supervision")
          return true;
        const auto& data = event["data"];
        std::cout << event.value("ts", "") << "  " << data.value("id", "?") << "  "
                  << data.value("from", "?") << " → " << colour(data.value("to", "?"));
        if (data.contains("reason"))
          std::cout << "  (" << data["reason"].get<std::string>() << ")";
        std::cout << std::endl;
        return true;
      });
  return done ? 0 : complain(done.error());
}

} // namespace

int verb_status(const command_line& line) {
  auto client = daemon_client::find(line);
  if (!client)
    return complain(client.error());
  auto tree = client->call("GET", "/v1/supervision");
  if (!tree)
    return complain(tree.error());
  if (line.json)
    std::cout << tree->dump(2) << std::endl;
  else
    print(*tree, "", true, true);
  return line.watch ? watch(*client, line.json) : 0;
}

int verb_act(const command_line& line) {
  auto client = daemon_client::find(line);
  if (!client)
    return complain(client.error());
  const char* word = line.what == verb::start  ? "start"
                     : line.what == verb::stop ? "stop"
                                               : "restart";
  std::string id;
  for (char ch : line.id)
    id += ch == '/' ? std::string{"%2F"} : std::string{ch};
  auto done = client->call("POST", "/v1/supervision/" + id + "/" + word);
  return done ? 0 : complain(done.error());
}

int verb_open(const command_line& line) {
  auto client = daemon_client::find(line);
  if (!client)
    return complain(client.error());
  auto got = client->call("POST", "/v1/tickets", {{"view", line.view}});
  if (!got)
    return complain(got.error());
  std::cout << got->value("link", "") << std::endl;
  return 0;
}

} // namespace holt
