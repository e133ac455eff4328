// SPDX-License-Identifier: Apache-2.0

// holt logs: what a process printed, its stdout to ours and its stderr to ours; with -f to its end.

#include "app/sandbox_verbs.hpp"
#include "app/verb_tools.hpp"
#include "client/process_log.hpp"

#include <charconv>
#include <iostream>
#include <unistd.h>

namespace holt {

namespace {

using client::log_entry;
using nlohmann::json;

struct beginning {
  std::uint64_t sequence = 0; ///< after this one
  std::int64_t ms = 0;        ///< not before; 0: any time
};

result<beginning> read_since(const std::string& text) {
  beginning out;
  if (text.empty())
    return out;
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  auto [at, wrong] = std::from_chars(text.data(), end, number);
  const std::string_view unit{at, static_cast<std::size_t>(end - at)};
  const std::int64_t seconds = unit == "s"   ? 1
                               : unit == "m" ? 60
                               : unit == "h" ? 3600
                               : unit == "d" ? 86'400
                                             : 0;
  if (wrong != std::errc{} || (seconds == 0 && !unit.empty()) || number > 1'000'000'000'000)
    return error{errc::usage, "--since is how long ago (90s, 5m, 2h, 1d) or a sequence number"};
  if (unit.empty()) {
    out.sequence = number;
    return out;
  }
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                     std::chrono::system_clock::now().time_since_epoch())
                     .count();
  out.ms = now - static_cast<std::int64_t>(number) * seconds * 1000;
  return out;
}

void say_lost(std::uint64_t bytes, bool as_json) {
  if (as_json)
    std::cout << json{{"event", "lost"}, {"bytes", bytes}}.dump() << std::endl;
  else
    std::cerr << "holt: " << (bytes > 0 ? std::to_string(bytes) + " bytes" : "some output")
              << " of this log are not kept any more" << std::endl;
}

/// The last lines of all that was printed; an entry is cut where they begin.
void keep_tail(std::vector<log_entry>& entries, std::uint64_t lines) {
  bool last = true; // the end of the last line ends nothing before it
  for (auto i = entries.size(); i-- > 0;) {
    auto& bytes = entries[i].bytes;
    for (auto at = bytes.size(); at-- > 0;) {
      if (bytes[at] == '\n' && !last && lines-- == 1) {
        bytes.erase(0, at + 1);
        entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(i));
        return;
      }
      last = false;
    }
  }
}

result<std::uint64_t> print_kept(const client::api& api, const command_line& line,
                                 const beginning& from) {
  const auto& asked = line.sandbox;
  auto page = api.call(
    "GET", client::process_route(asked.process, "/logs?since=" + std::to_string(from.sequence)));
  if (!page)
    return page.error();
  if (page->contains("lost") && !asked.tail && from.ms == 0)
    say_lost((*page)["lost"].value("bytes", std::uint64_t{0}), line.json);
  std::vector<log_entry> entries;
  auto last = from.sequence;
  for (const auto& one : page->value("entries", json::array())) {
    auto entry = client::read_entry(one);
    if (!entry)
      return entry.error();
    last = entry->sequence;
    if (entry->timestamp_ms >= from.ms)
      entries.push_back(std::move(*entry));
  }
  if (asked.tail) {
    if (*asked.tail == 0)
      entries.clear();
    else
      keep_tail(entries, *asked.tail);
  }
  for (const auto& one : entries)
    if (auto printed = print_output(one, line.json); !printed)
      return printed.error();
  return last;
}

} // namespace

int verb_logs(const command_line& line) {
  const auto& asked = line.sandbox;
  auto from = read_since(asked.since);
  if (!from)
    return complain(from.error());
  auto client = daemon_client::find(line);
  if (!client)
    return complain(client.error());
  auto api = client->api();
  auto last = from->sequence;
  if (!asked.follow || asked.tail || from->ms > 0) {
    auto printed = print_kept(api, line, *from);
    if (!printed)
      return complain(printed.error());
    last = *printed;
  }
  if (!asked.follow)
    return 0;
  client::log_ears ears;
  ears.entry = [&line](const log_entry& one) { return print_output(one, line.json); };
  ears.lost = [&line](std::uint64_t bytes) { say_lost(bytes, line.json); };
  auto end = client::follow_log(api, asked.process, last, ears);
  if (!end)
    return complain(end.error());
  if (line.json) {
    json row{{"event", "exit"}};
    if (end->code)
      row["exitCode"] = *end->code;
    if (end->signal)
      row["signal"] = *end->signal;
    std::cout << row.dump() << std::endl;
  }
  return 0;
}

} // namespace holt
