// SPDX-License-Identifier: Apache-2.0

// holt click, type, press: a hand on the desktop.

#include "app/sandbox_verbs.hpp"
#include "app/verb_tools.hpp"

#include <iostream>

namespace holt {

namespace {

using nlohmann::json;

/// Characters of one request: a delay between them must not outlast the daemon's patience.
constexpr std::size_t characters_at_once = 2'000;

result<json> modifiers_of(const std::string& typed) {
  json out = json::object();
  std::size_t from = 0;
  while (from <= typed.size()) {
    auto to = std::min(typed.find_first_of(",+", from), typed.size());
    auto word = typed.substr(from, to - from);
    if (word == "meta" || word == "super" || word == "win")
      word = "cmd";
    if (word == "control")
      word = "ctrl";
    if (word != "ctrl" && word != "shift" && word != "alt" && word != "cmd")
      return error{errc::usage, "--modifiers: '" + word + "' is not one of ctrl, shift, alt, cmd"};
    out[word] = true;
    from = to + 1;
  }
  return {boost::system::in_place_value, std::move(out)};
}

/// The first `most` characters of UTF-8, in bytes.
std::size_t first_characters(std::string_view text, std::size_t most) {
  std::size_t at = 0;
  while (at < text.size()) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80 && most-- == 0)
      break;
    ++at;
  }
  return at;
}

} // namespace

int verb_click(const command_line& line) {
  const auto& asked = line.sandbox;
  json body{{"x", asked.x}, {"y", asked.y}, {"clickCount", asked.count}};
  if (!asked.button.empty())
    body["button"] = asked.button;
  if (!asked.modifiers.empty()) {
    auto held = modifiers_of(asked.modifiers);
    if (!held)
      return complain(held.error());
    body["modifiers"] = std::move(*held);
  }
  if (asked.effect)
    body["effect"] = "wait";
  return call_and_show(line, "POST", "/v1/desktop/mouse/click", body, [&asked](const json& got) {
    if (asked.effect)
      std::cout << got.value("effect", "") << std::endl;
  });
}

int verb_type(const command_line& line) {
  const auto& asked = line.sandbox;
  auto text = text_or_stdin(asked.text);
  auto client = daemon_client::find(line);
  if (!text || !client)
    return complain(!text ? text.error() : client.error());
  if (text->empty())
    return complain({errc::usage, "there is nothing to type"});
  const bool paste = !asked.selection.empty(); // the one that it goes by
  if (paste && asked.delay_ms > 0)
    return complain({errc::usage, "--paste knows no --delay"});
  std::string_view left = *text;
  json got;
  while (!left.empty()) {
    const auto size = asked.delay_ms > 0 ? first_characters(left, characters_at_once) : left.size();
    json body{{"text", std::string{left.substr(0, size)}}};
    if (asked.delay_ms > 0)
      body["delayMs"] = asked.delay_ms;
    if (paste)
      body["method"] = "paste";
    if (!asked.button.empty())
      body["pasteKey"] = asked.button;
    auto answer
      = client->api().call("POST", "/v1/desktop/keyboard/type", body, std::chrono::hours{1});
    if (!answer)
      return complain(answer.error());
    got = std::move(*answer);
    left.remove_prefix(size);
  }
  if (line.json)
    print_json(got);
  return 0;
}

int verb_press(const command_line& line) {
  return call_and_show(line, "POST", "/v1/desktop/keyboard/press", {{"key", line.sandbox.text}},
                       [](const json&) {});
}

} // namespace holt
