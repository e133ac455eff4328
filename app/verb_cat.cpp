// SPDX-License-Identifier: Apache-2.0

// holt cat: files of the sandbox to stdout, at any size with the same memory.

#include "app/sandbox_verbs.hpp"
#include "app/verb_tools.hpp"
#include "client/atomic_file.hpp"
#include "messages/command.hpp"
#include "transport/url.hpp"

#include <unistd.h>

namespace holt {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t piece_bytes = 256 * 1024;

result<void> print_file(const client::api& api, const std::string& path, std::string& buffer) {
  client::outgoing what;
  what.target = "/v1/fs/file?path=" + url::percent_encode(path);
  http::response head;
  auto from = api.open(what, head);
  if (!from)
    return error{from.error().code, from.error().detail};
  while (true) {
    auto got = (*from)->read(buffer.data(), buffer.size(), 60s);
    if (!got)
      return got.error();
    if (*got == 0)
      return {};
    if (auto put = client::write_all(STDOUT_FILENO, {buffer.data(), *got}, "stdout"); !put)
      return put;
  }
}

/// With --json: what there is, then the text in one string.
result<void> print_document(const client::api& api, const std::string& path) {
  auto about = api.call("GET", "/v1/fs/stat?path=" + url::percent_encode(path));
  if (!about)
    return about.error();
  client::outgoing what;
  what.target = "/v1/fs/file?path=" + url::percent_encode(path);
  http::response head;
  auto from = api.open(what, head);
  if (!from)
    return from.error();
  auto text = (*from)->rest(64 * 1024 * 1024, 60s);
  if (!text)
    return text.error().code == errc::payload_too_large
             ? error{errc::payload_too_large,
                     path + ": too large for --json; without it any size is fine"}
             : text.error();
  const bool readable = url::valid_utf8(*text);
  (*about)["encoding"] = readable ? "utf8" : "base64";
  (*about)["data"] = readable ? *text : to_base64(*text);
  print_json(*about);
  return {};
}

} // namespace

int verb_cat(const command_line& line) {
  auto client = daemon_client::find(line);
  if (!client)
    return complain(client.error());
  auto api = client->api();
  std::string buffer(piece_bytes, '\0');
  int code = 0;
  for (const auto& one : line.sandbox.paths) { // as cat: the others are printed all the same
    const auto path = sandbox_path(one);
    auto done = line.json ? print_document(api, path) : print_file(api, path, buffer);
    if (!done)
      code = complain(done.error());
  }
  return code;
}

} // namespace holt
