// SPDX-License-Identifier: Apache-2.0

// holt record: films of the desktop.

#include "app/sandbox_verbs.hpp"
#include "app/verb_tools.hpp"
#include "client/atomic_file.hpp"
#include "client/interrupts.hpp"
#include "client/transfer.hpp"
#include "transport/url.hpp"

#include <iomanip>
#include <iostream>
#include <unistd.h>

namespace holt {

namespace {

using nlohmann::json;

std::string number(const json& from, const char* name) {
  auto i = from.find(name);
  return i != from.end() && i->is_number() ? i->dump() : "0";
}

void show(const json& one) {
  std::cout << std::left << std::setw(10) << one.value("id", "") << std::setw(11)
            << one.value("status", "") << std::setw(11)
            << number(one, "width") + "x" + number(one, "height") << std::right << std::setw(8)
            << one.value("durationMs", std::uint64_t{0}) / 1000 << " s" << std::setw(13)
            << one.value("bytes", std::uint64_t{0}) << "  " << std::left
            << one.value("startedAt", "").substr(0, 19);
  if (one.contains("reason") && one["reason"].is_string())
    std::cout << "  (" << harmless(one["reason"].get<std::string>()) << ")";
  std::cout << "\n";
}

std::string route(const std::string& id, const char* rest = "") {
  return "/v1/desktop/recordings/" + url::percent_encode(id) + rest;
}

} // namespace

int verb_record_start(const command_line& line) {
  json body = json::object();
  if (line.sandbox.fps != 0)
    body["fps"] = line.sandbox.fps;
  return call_and_show(line, "POST", "/v1/desktop/recording/start", body,
                       [](const json& got) { std::cout << got.value("id", "") << std::endl; });
}

int verb_record_stop(const command_line& line) {
  return call_and_show(line, "POST", "/v1/desktop/recording/stop", nullptr, [](const json& got) {
    show(got);
    std::cout << std::flush;
  });
}

int verb_record_list(const command_line& line) {
  return call_and_show(line, "GET", "/v1/desktop/recordings", nullptr, [](const json& got) {
    for (const auto& one : got.value("recordings", json::array()))
      show(one);
    std::cout << std::flush;
  });
}

int verb_record_delete(const command_line& line) {
  return call_and_show(line, "DELETE", route(line.sandbox.recording), nullptr, [](const json&) {});
}

int verb_record_get(const command_line& line) {
  const auto& asked = line.sandbox;
  const bool to_stdout = asked.file == "-";
  if (to_stdout && (isatty(STDOUT_FILENO) == 1 || line.json))
    return complain({errc::usage, "a film is nothing for a terminal or JSON: name a file"});
  auto client = daemon_client::find(line);
  if (!client)
    return complain(client.error());
  const client::interrupts stop;
  const auto api = client->api(stop.fd());
  auto about = api.call("GET", route(asked.recording));
  if (!about)
    return complain(about.error());
  const auto name = asked.file.empty() ? about->value("id", "recording") + ".mp4" : asked.file;
  const auto target = route(asked.recording, "/download");
  result<void> done;
  if (to_stdout) {
    client::progress how_far{name};
    done = client::receive(
      api, target,
      [](std::string_view bytes) { return client::write_all(STDOUT_FILENO, bytes, "stdout"); },
      how_far);
  } else {
    auto file = client::atomic_file::open(name);
    if (!file)
      return complain(file.error());
    client::progress how_far{name};
    done = client::receive(
      api, target, [&file](std::string_view bytes) { return file->write(bytes); }, how_far);
    if (done)
      done = file->commit();
  }
  if (stop.which() != 0)
    return 128 + stop.which();
  if (!done)
    return complain(done.error());
  if (line.json) {
    (*about)["file"] = name;
    print_json(*about);
  } else if (!to_stdout) {
    std::cout << name << std::endl;
  }
  return 0;
}

} // namespace holt
