// SPDX-License-Identifier: Apache-2.0

// holt tree: what is on the desktop as structure, one node a line; with a role or a name, those
// that fit.

#include "app/sandbox_verbs.hpp"
#include "app/verb_tools.hpp"
#include "transport/url.hpp"

#include <iostream>

namespace holt {

using nlohmann::json;

namespace {

std::string target_of(const sandbox_options& asked) {
  const bool find = !asked.role.empty() || !asked.node_name.empty();
  std::string out = "/v1/desktop/accessibility";
  out += find ? "/find?" : "?limit=10000&";
  auto add = [&out](const char* name, const std::string& value) {
    if (!value.empty())
      out += name + ("=" + url::percent_encode(value)) + "&";
  };
  add("app", asked.program);
  add("window", asked.window);
  add("role", asked.role);
  add("name", asked.node_name);
  if (asked.depth >= 0)
    add("depth", std::to_string(asked.depth));
  return out + "showing=" + (asked.hidden ? "false" : "true");
}

void show(const json& node, std::size_t depth) {
  std::cout << std::string(depth * 2, ' ') << harmless(node.value("role", "")) << " \""
            << harmless(node.value("name", "")) << "\"";
  if (auto at = node.find("bounds"); at != node.end())
    std::cout << " " << at->value("width", 0) << "x" << at->value("height", 0) << "+"
              << at->value("x", 0) << "+" << at->value("y", 0);
  if (auto text = node.find("text"); text != node.end() && text->is_string())
    std::cout << " text \"" << harmless(text->get_ref<const std::string&>().substr(0, 60)) << "\"";
  if (auto value = node.find("value"); value != node.end())
    std::cout << " value " << value->value("current", 0.0);
  for (const auto& one : node.value("states", json::array()))
    if (one == "focused" || one == "checked" || one == "selected" || one == "expanded")
      std::cout << " " << one.get<std::string>();
  if (node.value("timedOut", false))
    std::cout << " (does not answer)";
  std::cout << " " << node.value("id", "") << "\n";
  for (const auto& child : node.value("children", json::array()))
    show(child, depth + 1);
}

} // namespace

int verb_tree(const command_line& line) {
  return call_and_show(line, "GET", target_of(line.sandbox), nullptr, [](const json& got) {
    const auto nodes = got.value("nodes", json::array());
    if (nodes.empty())
      std::cerr << "nothing is there" << std::endl;
    for (const auto& one : nodes)
      show(one, 0);
    std::cout << std::flush;
    if (got.value("truncated", false))
      std::cerr << "there is more" << std::endl;
  });
}

} // namespace holt
