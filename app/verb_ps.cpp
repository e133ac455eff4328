// SPDX-License-Identifier: Apache-2.0

// holt ps: the processes of the API.

#include "app/sandbox_verbs.hpp"
#include "app/verb_tools.hpp"

#include <chrono>
#include <iomanip>
#include <iostream>

namespace holt {

namespace {

using nlohmann::json;

std::string age(std::int64_t since_ms, std::int64_t until_ms) {
  const auto s = std::max<std::int64_t>(0, until_ms - since_ms) / 1000;
  if (s < 60)
    return std::to_string(s) + "s";
  if (s < 3600)
    return std::to_string(s / 60) + "m";
  if (s < 86'400)
    return std::to_string(s / 3600) + "h" + std::to_string(s / 60 % 60) + "m";
  return std::to_string(s / 86'400) + "d" + std::to_string(s / 3600 % 24) + "h";
}

std::string state_of(const json& one) {
  if (one.value("status", "") == "running")
    return "running";
  if (one.contains("signal"))
    return "signal " + one["signal"].dump();
  return "exit " + one.value("exitCode", json{"?"}).dump();
}

std::string line_of(const json& one) {
  auto out = one.value("command", "");
  for (const auto& argument : one.value("args", json::array()))
    if (argument.is_string())
      out += " " + argument.get<std::string>();
  for (auto& ch : out)
    if (ch == '\n' || ch == '\t')
      ch = ' ';
  return out;
}

} // namespace

int verb_ps(const command_line& line) {
  auto client = daemon_client::find(line);
  if (!client)
    return complain(client.error());
  auto got = client->api().call("GET", "/v1/processes");
  if (!got)
    return complain(got.error());
  auto rows = json::array();
  for (const auto& one : got->value("processes", json::array()))
    if (line.sandbox.all || one.value("status", "") == "running")
      rows.push_back(one);
  if (line.json) {
    print_json({{"processes", rows}});
    return 0;
  }
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                     std::chrono::system_clock::now().time_since_epoch())
                     .count();
  std::cout << std::left << std::setw(12) << "ID" << std::setw(9) << "PID" << std::setw(11)
            << "STATE" << std::setw(9) << "AGE" << std::setw(5) << "TTY"
            << "COMMAND\n";
  for (const auto& one : rows)
    std::cout << std::setw(12) << one.value("id", "") << std::setw(9)
              << (one.contains("pid") ? one["pid"].dump() : "-") << std::setw(11) << state_of(one)
              << std::setw(9) << age(one.value("createdAtMs", std::int64_t{0}), now) << std::setw(5)
              << (one.value("tty", false) ? "yes" : "-") << harmless(line_of(one)) << "\n";
  std::cout << std::flush;
  return 0;
}

} // namespace holt
