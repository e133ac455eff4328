// SPDX-License-Identifier: Apache-2.0

// holt ls: a folder of the sandbox.

#include "app/sandbox_verbs.hpp"
#include "app/verb_tools.hpp"
#include "transport/url.hpp"

#include <cstdlib>
#include <iomanip>
#include <iostream>

namespace holt {

namespace {

using nlohmann::json;
using namespace std::chrono_literals;

/// As ls -l writes it: `-rw-r--r--`.
std::string mode_text(const json& entry) {
  const auto kind = entry.value("kind", "");
  const auto bits = std::strtoul(entry.value("mode", "0").c_str(), nullptr, 8);
  std::string out = kind == "directory" ? "d"
                    : kind == "symlink" ? "l"
                    : kind == "file"    ? "-"
                                        : "?";
  constexpr std::string_view letters = "rwxrwxrwx";
  for (unsigned i = 0; i < letters.size(); ++i)
    out += (bits >> (8 - i) & 1u) != 0 ? letters[i] : '-';
  if ((bits & 04000u) != 0)
    out[3] = out[3] == 'x' ? 's' : 'S';
  if ((bits & 02000u) != 0)
    out[6] = out[6] == 'x' ? 's' : 'S';
  if ((bits & 01000u) != 0)
    out[9] = out[9] == 'x' ? 't' : 'T';
  return out;
}

/// Below the folder that was asked for.
std::string shown_name(const json& entry, const std::string& base) {
  auto path = entry.value("path", "");
  if (base.empty() || path.rfind(base, 0) != 0)
    return entry.value("name", path);
  return path.substr(base.size());
}

void show(const json& entry, const sandbox_options& asked, const std::string& base) {
  auto name = harmless(asked.recursive ? shown_name(entry, base) : entry.value("name", ""));
  if (entry.value("kind", "") == "directory")
    name += '/';
  if (asked.longer)
    std::cout << mode_text(entry) << " " << std::right << std::setw(12)
              << entry.value("size", std::uint64_t{0}) << "  "
              << entry.value("modified", "").substr(0, 19) << "  ";
  std::cout << name << "\n";
}

int show_file(const client::api& api, const command_line& line, const std::string& path,
              const error& why) {
  auto one = api.call("GET", "/v1/fs/stat?path=" + url::percent_encode(path));
  if (!one)
    return complain(one.error().code == errc::not_found ? one.error() : why);
  (*one)["name"] = path;
  if (line.json)
    print_json(json::array({*one}));
  else
    show(*one, line.sandbox, "");
  std::cout << std::flush;
  return 0;
}

} // namespace

int verb_ls(const command_line& line) {
  const auto& asked = line.sandbox;
  auto client = daemon_client::find(line);
  if (!client)
    return complain(client.error());
  const auto path = asked.from.empty() ? std::string{"."} : sandbox_path(asked.from);
  auto api = client->api();
  client::outgoing what;
  what.target = "/v1/fs/entries?path=" + url::percent_encode(path)
                + (asked.recursive ? "&recursive=true" : "");
  http::response head;
  auto got = api.open(what, head);
  if (!got && got.error().code == errc::not_directory)
    return show_file(api, line, path, got.error());
  if (!got)
    return complain(got.error());
  auto text = (*got)->rest(1u << 30, 60s);
  if (!text)
    return complain(text.error());
  auto entries = json::parse(*text, nullptr, false);
  if (!entries.is_array())
    return complain({errc::io, "the answer is no list of entries"});
  if (line.json) {
    print_json(entries);
  } else {
    std::string base;
    if (asked.recursive && !entries.empty()) {
      auto folder = api.call("GET", "/v1/fs/stat?path=" + url::percent_encode(path));
      if (folder)
        base = folder->value("path", "");
      if (!base.ends_with('/'))
        base += '/';
    }
    for (const auto& one : entries)
      show(one, asked, base);
    std::cout << std::flush;
  }
  if (client::header_of(head, "holt-truncated") == "true")
    return complain({errc::payload_too_large, "there is more: the list was cut"});
  if (auto closed = client::header_of(head, "holt-unreadable"); !closed.empty() && closed != "0")
    return complain({errc::denied, closed + " folders could not be read"});
  return 0;
}

} // namespace holt
