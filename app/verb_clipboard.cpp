// SPDX-License-Identifier: Apache-2.0

// holt clipboard get, set: the desktop's clipboard as text.

#include "app/sandbox_verbs.hpp"
#include "app/verb_tools.hpp"
#include "transport/url.hpp"

#include <iostream>

namespace holt {

using nlohmann::json;

int verb_clipboard_get(const command_line& line) {
  const auto& selection = line.sandbox.selection;
  return call_and_show(
    line, "GET",
    "/v1/desktop/clipboard"
      + (selection.empty() ? std::string{} : "?selection=" + url::percent_encode(selection)),
    nullptr, [](const json& got) { std::cout << got.value("text", "") << std::flush; });
}

int verb_clipboard_set(const command_line& line) {
  auto text = text_or_stdin(line.sandbox.text);
  if (!text)
    return complain(text.error());
  json body{{"text", *text}};
  if (!line.sandbox.selection.empty())
    body["selection"] = line.sandbox.selection;
  return call_and_show(line, "POST", "/v1/desktop/clipboard", body, [](const json&) {});
}

} // namespace holt
