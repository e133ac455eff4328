// SPDX-License-Identifier: Apache-2.0
#include "app/verb_tools.hpp"

#include "client/atomic_file.hpp"
#include "messages/command.hpp"

#include <cerrno>
#include <cstring>
#include <iostream>
#include <unistd.h>

namespace holt {

using nlohmann::json;

result<std::string> whole_stdin(std::size_t most) {
  std::string out;
  char piece[65536];
  while (true) {
    const auto got = ::read(STDIN_FILENO, piece, sizeof piece);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return error{errc::io, std::string{"stdin: "} + std::strerror(errno)};
    if (got == 0)
      return out;
    out.append(piece, static_cast<std::size_t>(got));
    if (out.size() > most)
      return error{errc::payload_too_large,
                   "stdin is larger than " + std::to_string(most) + " bytes"};
  }
}

result<std::string> text_or_stdin(const std::string& text) {
  if (text != "-")
    return text;
  return whole_stdin(1024 * 1024);
}

result<void> put_bytes(const std::string& file, std::string_view bytes) {
  if (file.empty() || file == "-")
    return client::write_all(STDOUT_FILENO, bytes, "stdout");
  auto out = client::atomic_file::open(file);
  if (!out)
    return out.error();
  if (auto written = out->write(bytes); !written)
    return written;
  return out->commit();
}

std::string sandbox_path(const std::string& typed) {
  constexpr std::string_view prefix = "sbx:";
  if (typed.rfind(prefix, 0) != 0)
    return typed;
  auto path = typed.substr(prefix.size());
  return path.empty() ? "." : path;
}

void print_json(const json& what) {
  std::cout << what.dump(2, ' ', false, json::error_handler_t::replace) << std::endl;
}

result<void> print_output(const client::log_entry& one, bool as_json) {
  if (!as_json)
    return client::write_all(one.stream == "stderr" ? STDERR_FILENO : STDOUT_FILENO, one.bytes,
                             one.stream == "stderr" ? "stderr" : "stdout");
  const json row{{"event", "log"},
                 {"sequence", one.sequence},
                 {"stream", one.stream},
                 {"timestampMs", one.timestamp_ms},
                 {"data", to_base64(one.bytes)},
                 {"encoding", "base64"}};
  return client::write_all(STDOUT_FILENO, row.dump() + "\n", "stdout");
}

int call_and_show(const command_line& line, const std::string& method, const std::string& target,
                  const json& body, const std::function<void(const json&)>& show) {
  auto client = daemon_client::find(line);
  if (!client)
    return complain(client.error());
  auto got = client->api().call(method, target, body);
  if (!got)
    return complain(got.error());
  if (line.json)
    print_json(*got);
  else
    show(*got);
  return 0;
}

std::string harmless(std::string_view text) {
  std::string out{text};
  if (isatty(STDOUT_FILENO) == 1)
    for (auto& ch : out)
      if (static_cast<unsigned char>(ch) < 0x20 || ch == 0x7f)
        ch = '?';
  return out;
}

} // namespace holt
