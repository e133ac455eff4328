// SPDX-License-Identifier: Apache-2.0

// holt clipboard get, set: the desktop's clipboard, in every form.

#include "app/sandbox_verbs.hpp"
#include "app/verb_tools.hpp"
#include "messages/command.hpp"
#include "transport/url.hpp"

#include <fstream>
#include <iostream>

#include <unistd.h>

namespace holt {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr std::size_t most_bytes = 64 * 1024 * 1024;
constexpr std::size_t most_input = 16 * 1024 * 1024;

/// A file of ours, `-`: stdin.
result<std::string> whole_file(const std::string& path) {
  if (path == "-")
    return whole_stdin(most_input);
  std::ifstream in{path, std::ios::binary};
  if (!in)
    return error{errc::io, "cannot read " + path};
  std::string out(most_input + 1, '\0');
  in.read(out.data(), static_cast<std::streamsize>(out.size()));
  if (in.bad())
    return error{errc::io, "cannot read " + path};
  out.resize(static_cast<std::size_t>(in.gcount()));
  if (out.size() > most_input)
    return error{errc::payload_too_large, path + " is larger than 16 MiB"};
  return out;
}

int get_form(const command_line& line, const std::string& target, const std::string& file) {
  const bool to_stdout = file.empty() || file == "-";
  if (to_stdout && line.json)
    return complain({errc::usage, "--json needs a FILE: what was copied has stdout"});
  auto client = daemon_client::find(line);
  if (!client)
    return complain(client.error());
  http::response head;
  client::outgoing what;
  what.target = target;
  auto got = client->api().open(what, head);
  if (!got)
    return complain(got.error());
  auto bytes = (*got)->rest(most_bytes, 30s);
  if (!bytes)
    return complain(bytes.error());
  const auto type = client::header_of(head, "holt-type");
  if (to_stdout && isatty(STDOUT_FILENO) == 1 && type.rfind("text/", 0) != 0)
    return complain({errc::usage, type
                                    + " is nothing for a terminal: name a file, or send "
                                      "stdout elsewhere"});
  if (auto done = put_bytes(file, *bytes); !done)
    return complain(done.error());
  if (line.json)
    print_json({{"file", file}, {"bytes", bytes->size()}, {"type", type}});
  return 0;
}

/// Puts the words of the command line into `body`, in the form that `type` says.
result<void> put_content(json& body, const std::string& type, std::string bytes) {
  if (type == "image" || type.rfind("image/", 0) == 0) {
    body["image"] = to_base64(bytes);
    return {};
  }
  if (!is_utf8(bytes))
    return error{errc::usage, "this is not UTF-8: name its --type"};
  if (type.empty() || type == "text" || type == "text/plain") {
    body["text"] = std::move(bytes);
  } else if (type == "html" || type == "text/html") {
    body["html"] = std::move(bytes);
  } else if (type == "uris" || type == "text/uri-list") {
    auto& all = body["uris"] = json::array();
    for (std::size_t at = 0; at < bytes.size();) {
      const auto end = std::min(bytes.find_first_of("\r\n", at), bytes.size());
      if (end > at && bytes[at] != '#')
        all.push_back(bytes.substr(at, end - at));
      at = end + 1;
    }
  } else {
    return error{errc::usage, "--type is text, html, image or uris"};
  }
  return {};
}

result<json> body_of(const sandbox_options& asked) {
  json body = json::object();
  auto from_file = [&](const std::string& path, const std::string& type) -> result<void> {
    auto bytes = whole_file(path);
    if (!bytes)
      return bytes.error();
    return put_content(body, type, std::move(*bytes));
  };
  result<void> done;
  if (!asked.paths.empty()) {
    auto text = text_or_stdin(asked.paths.front());
    if (!text)
      return text.error();
    done = put_content(body, asked.format, std::move(*text));
  }
  if (done && !asked.file.empty())
    done = from_file(asked.file, asked.format);
  if (done && !asked.from.empty())
    done = from_file(asked.from, "html");
  if (done && !asked.to.empty())
    done = from_file(asked.to, "image");
  if (!done)
    return done.error();
  if (body.empty())
    return error{errc::usage, "what is to be copied? TEXT, --file, --html or --image"};
  if (!asked.selection.empty())
    body["selection"] = asked.selection;
  return {boost::system::in_place_value, std::move(body)};
}

} // namespace

int verb_clipboard_get(const command_line& line) {
  const auto& asked = line.sandbox;
  const std::string selection
    = "?selection=" + url::percent_encode(asked.selection.empty() ? "clipboard" : asked.selection);
  const std::string path = "/v1/desktop/clipboard";
  if (asked.format == "types")
    return call_and_show(line, "GET", path + "/types" + selection, nullptr, [](const json& got) {
      for (const auto& one : got.value("types", json::array()))
        std::cout << one.get<std::string>() << '\n';
    });
  if (asked.format.empty() && asked.file.empty())
    return call_and_show(line, "GET", path + selection, nullptr,
                         [](const json& got) { std::cout << got.value("text", "") << std::flush; });
  const std::string form = asked.format.empty() ? "text" : asked.format;
  return get_form(line, path + selection + "&format=" + url::percent_encode(form), asked.file);
}

int verb_clipboard_set(const command_line& line) {
  auto body = body_of(line.sandbox);
  if (!body)
    return complain(body.error());
  return call_and_show(line, "POST", "/v1/desktop/clipboard", *body, [](const json&) {});
}

} // namespace holt
