// SPDX-License-Identifier: Apache-2.0
#include "actors/accessibility_json.hpp"

#include "accessibility/words.hpp"

#include <cmath>

namespace holt {

namespace {

using accessibility::answer;
using accessibility::node;
using desktop::window_info;
using nlohmann::json;

/// The program that a node belongs to; itself where it is one.
const node& root_of(const answer& all, const node& one) {
  const auto* at = &one;
  while (at->parent)
    at = &all.nodes[*at->parent];
  return *at;
}

/// The node below the program that holds it; null for a program.
const node* top_of(const answer& all, const node& one) {
  const node* at = &one;
  while (at->parent && all.nodes[*at->parent].parent)
    at = &all.nodes[*at->parent];
  return at->parent ? at : nullptr;
}

bool near(const accessibility::rectangle& one, const desktop::frame_rectangle& two) {
  constexpr int slack = 4; // pixels
  auto close = [](long a, long b) { return std::abs(a - b) <= slack; };
  return close(one.x, two.x) && close(one.y, two.y)
         && close(one.width, static_cast<long>(two.width))
         && close(one.height, static_cast<long>(two.height));
}

bool is_application(const node& one) {
  return one.role == accessibility::application_role;
}

json branch(const answer& all, const node& one, const std::vector<window_info>& windows,
            std::optional<std::uint32_t> only) {
  auto out = node_json(one);
  const auto* window = window_of(all, one, windows);
  if (window != nullptr)
    out["windowId"] = std::to_string(window->id);
  json children = json::array();
  for (auto at : one.children) {
    const auto& child = all.nodes[at];
    if (child.dropped)
      continue;
    if (only && is_application(one)) {
      const auto* top = window_of(all, child, windows);
      if (top == nullptr || top->id != *only)
        continue;
    }
    children.push_back(branch(all, child, windows, only));
  }
  if (!children.empty())
    out["children"] = std::move(children);
  return out;
}

} // namespace

const window_info* window_of(const answer& all, const node& one,
                             const std::vector<window_info>& windows) {
  if (!one.parent || all.nodes[*one.parent].parent)
    return nullptr;
  const auto& program = all.nodes[*one.parent];
  if (!is_application(program) || !program.pid)
    return nullptr;
  const window_info* found = nullptr;
  unsigned named = 0;
  for (const auto& window : windows)
    if (window.pid == *program.pid && window.title == one.name) {
      if (one.bounds && near(*one.bounds, window.inner))
        return &window;
      found = &window;
      ++named;
    }
  return named == 1 ? found : nullptr;
}

json node_json(const node& one) {
  json out{
    {"id", one.id},
    {"role", one.timed_out && one.role == 0 ? "unknown" : accessibility::role_name(one.role)},
    {"name", one.name},
    {"states", accessibility::state_names(one.states)}};
  if (!one.description.empty())
    out["description"] = one.description;
  if (one.bounds)
    out["bounds"] = {{"x", one.bounds->x},
                     {"y", one.bounds->y},
                     {"width", one.bounds->width},
                     {"height", one.bounds->height}};
  if (one.text)
    out["text"] = *one.text;
  if (one.text_cut)
    out["textTruncated"] = true;
  // A program may tell anything, also what JSON has no word for.
  if (one.value && std::isfinite(one.value->current)) {
    out["value"]["current"] = one.value->current;
    if (std::isfinite(one.value->minimum))
      out["value"]["minimum"] = one.value->minimum;
    if (std::isfinite(one.value->maximum))
      out["value"]["maximum"] = one.value->maximum;
    if (one.value->increment && std::isfinite(*one.value->increment))
      out["value"]["increment"] = *one.value->increment;
  }
  if (!one.actions.empty())
    out["actions"] = one.actions;
  if (one.pid)
    out["pid"] = *one.pid;
  if (one.timed_out)
    out["timedOut"] = true;
  if (one.cut)
    out["truncated"] = true;
  return out;
}

json tree_json(const answer& all, const std::vector<window_info>& windows,
               std::optional<std::uint32_t> only) {
  json out = json::array();
  for (auto at : all.roots)
    if (!all.nodes[at].dropped)
      out.push_back(branch(all, all.nodes[at], windows, only));
  return out;
}

json found_json(const answer& all, const std::vector<window_info>& windows,
                std::optional<std::uint32_t> only) {
  json out = json::array();
  for (const auto& one : all.nodes) {
    if (!one.matches || one.dropped)
      continue;
    const auto* top = top_of(all, one);
    const auto* window = top != nullptr ? window_of(all, *top, windows) : nullptr;
    if (only && (window == nullptr || window->id != *only))
      continue;
    auto shown = node_json(one);
    if (window != nullptr)
      shown["windowId"] = std::to_string(window->id);
    if (const auto& program = root_of(all, one); is_application(program))
      shown["app"] = program.name;
    if (one.parent)
      shown["parent"] = all.nodes[*one.parent].id;
    out.push_back(std::move(shown));
  }
  return out;
}

} // namespace holt
