// SPDX-License-Identifier: Apache-2.0
#include "messages/supervision.hpp"

#include "messages/time_text.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <map>

namespace holt {

namespace {

constexpr std::array<std::string_view, child_state_count> state_names{
  "idle",    "waiting", "starting", "ready",   "unhealthy", "stopping",
  "killing", "backoff", "cooldown", "stopped", "failed"};
constexpr std::array<std::string_view, 3> kind_names{"group", "process", "actor"};
constexpr std::array<std::string_view, 3> restart_names{"permanent", "transient", "temporary"};
constexpr std::array<std::string_view, 6> cause_names{"exit",  "signal",      "timeout",
                                                      "probe", "spawn_error", "actor"};

template <class Names, class Value>
std::string_view name_of(const Names& names, Value value) {
  return names[static_cast<std::size_t>(value)];
}

} // namespace

std::string_view to_string(child_state x) noexcept {
  return name_of(state_names, x);
}

std::string_view to_string(child_kind x) noexcept {
  return name_of(kind_names, x);
}

std::string_view to_string(restart_policy x) noexcept {
  return name_of(restart_names, x);
}

std::string_view to_string(death_cause x) noexcept {
  return name_of(cause_names, x);
}

void to_json(nlohmann::json& j, const death_record& x) {
  j = {
    {"generation", static_cast<std::uint64_t>(x.gen)},
    {"pid", x.pid},
    {"cause", to_string(x.cause)},
    {"code", x.code},
    {"detail", x.detail},
    {"uptimeMs", x.uptime.count()},
    {"at", to_rfc3339(x.at)},
    {"lastLines", x.last_lines},
    {"expected", x.expected},
  };
  if (x.peak_rss_bytes != 0)
    j["peakRssBytes"] = x.peak_rss_bytes;
}

std::string short_cause(death_cause cause, int code) {
  std::string out{to_string(cause)};
  if (cause == death_cause::exit || cause == death_cause::signal)
    out += " " + std::to_string(code);
  return out;
}

void to_json(nlohmann::json& j, const death_tally& x) {
  j = {{"deaths", x.deaths},
       {"unexpected", x.unexpected},
       {"since", to_rfc3339(x.since)},
       {"causes", x.by_cause}};
}

void to_json(nlohmann::json& j, const child_snapshot& x) {
  j = {
    {"id", x.id},
    {"kind", to_string(x.kind)},
    {"state", to_string(x.state)},
    {"restart", to_string(x.restart)},
    {"dependsOn", x.depends_on},
    {"generation", static_cast<std::uint64_t>(x.gen)},
    {"restarts", x.restarts},
    {"budget", {{"used", x.budget_used}, {"limit", x.budget_limit}}},
    {"optional", x.optional},
    {"deaths", x.deaths},
  };
  if (x.tally.deaths != 0)
    j["deathTally"] = x.tally;
  if (!x.parent.empty())
    j["parent"] = x.parent;
  if (x.pid != 0)
    j["pid"] = x.pid;
  if (x.uptime)
    j["uptimeMs"] = x.uptime->count();
  if (x.next_start)
    j["nextStartMs"] = x.next_start->count();
  if (!x.reason.empty())
    j["reason"] = x.reason;
}

void to_json(nlohmann::json& j, const supervision_event& x) {
  j = {
    {"id", x.id},
    {"from", to_string(x.from)},
    {"to", to_string(x.to)},
    {"generation", static_cast<std::uint64_t>(x.gen)},
  };
  if (x.pid != 0)
    j["pid"] = x.pid;
  if (!x.reason.empty())
    j["reason"] = x.reason;
  if (x.death)
    j["death"] = *x.death;
}

namespace {

nlohmann::json with_children(const child_snapshot& node,
                             const std::multimap<child_id, const child_snapshot*>& by_parent) {
  nlohmann::json j = node;
  j["children"] = nlohmann::json::array();
  auto [from, to] = by_parent.equal_range(node.id);
  for (auto i = from; i != to; ++i)
    j["children"].push_back(with_children(*i->second, by_parent));
  return j;
}

} // namespace

nlohmann::json tree_to_json(const std::vector<child_snapshot>& nodes) {
  if (nodes.empty())
    return nlohmann::json::object();
  const auto* root = &nodes.front();
  for (const auto& node : nodes)
    if (node.parent.empty()) {
      root = &node;
      break;
    }
  std::map<child_id, bool> known;
  for (const auto& node : nodes)
    known[node.id] = true;
  std::multimap<child_id, const child_snapshot*> by_parent;
  for (const auto& node : nodes)
    if (&node != root)
      by_parent.emplace(known.contains(node.parent) ? node.parent : root->id, &node);
  return with_children(*root, by_parent);
}

} // namespace holt
