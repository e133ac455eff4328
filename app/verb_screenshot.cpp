// SPDX-License-Identifier: Apache-2.0

// holt screenshot: a picture of the desktop to a file or to stdout.

#include "app/sandbox_verbs.hpp"
#include "app/verb_tools.hpp"
#include "client/atomic_file.hpp"
#include "transport/url.hpp"

#include <array>
#include <cstdio>
#include <filesystem>
#include <unistd.h>

namespace holt {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_bytes = 512 * 1024 * 1024;

std::string format_of(const sandbox_options& asked) {
  if (!asked.format.empty())
    return asked.format;
  const auto extension = std::filesystem::path{asked.file}.extension().string();
  return extension == ".jpg" || extension == ".jpeg" ? "jpeg"
         : extension == ".webp"                      ? "webp"
                                                     : "png";
}

result<std::string> target_of(const sandbox_options& asked) {
  std::string out = "/v1/desktop/screenshot";
  if (!asked.region.empty()) {
    std::array<int, 4> at{};
    int used = 0;
    if (std::sscanf(asked.region.c_str(), "%d,%d,%d,%d%n", &at[0], &at[1], &at[2], &at[3], &used)
          != 4
        || static_cast<std::size_t>(used) != asked.region.size())
      return error{errc::usage, "--region is X,Y,WIDTH,HEIGHT, e.g. --region 0,0,400,300"};
    out += "/region?x=" + std::to_string(at[0]) + "&y=" + std::to_string(at[1])
           + "&width=" + std::to_string(at[2]) + "&height=" + std::to_string(at[3]) + "&";
  } else {
    out += "?";
  }
  out += "format=" + format_of(asked);
  if (!asked.window.empty())
    out += "&window=" + url::percent_encode(asked.window);
  if (asked.scale != 0) {
    auto text = std::to_string(asked.scale);
    out += "&scale=" + text;
  }
  if (asked.quality != 0)
    out += "&quality=" + std::to_string(asked.quality);
  if (asked.settle_ms != 0)
    out += "&settle=" + std::to_string(asked.settle_ms);
  if (asked.with_cursor)
    out += "&showCursor=true";
  return out;
}

} // namespace

int verb_screenshot(const command_line& line) {
  const auto& asked = line.sandbox;
  const bool to_stdout = asked.file.empty() || asked.file == "-";
  if (to_stdout && isatty(STDOUT_FILENO) == 1)
    return complain({errc::usage, "a picture is nothing for a terminal: name a file, e.g. "
                                  "`holt screenshot screen.png`, or send stdout elsewhere"});
  if (to_stdout && line.json)
    return complain({errc::usage, "--json needs a FILE: the picture has stdout"});
  auto target = target_of(asked);
  auto client = daemon_client::find(line);
  if (!target || !client)
    return complain(!target ? target.error() : client.error());
  http::response head;
  client::outgoing what;
  what.target = *target;
  auto got = client->api().open(what, head);
  if (!got)
    return complain(got.error());
  auto bytes = (*got)->rest(most_bytes, 30s);
  if (!bytes)
    return complain(bytes.error());
  if (auto done = put_bytes(asked.file, *bytes); !done)
    return complain(done.error());
  if (line.json)
    print_json(
      {{"file", asked.file},
       {"bytes", bytes->size()},
       {"contentType", client::header_of(head, "content-type")},
       {"size", client::header_of(head, "holt-size")},
       {"area", client::header_of(head, "holt-area")},
       {"frame", std::strtoull(client::header_of(head, "holt-frame").c_str(), nullptr, 10)},
       {"settled", client::header_of(head, "holt-settled") == "true"}});
  return 0;
}

} // namespace holt
