// SPDX-License-Identifier: Apache-2.0
#include "link/session_owner.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <utility>

namespace holt::link {

std::optional<sandbox_presence> sandbox_presence_of(const nlohmann::json& meta) {
  if (!meta.is_object())
    return std::nullopt;
  const auto role = meta.find("role");
  const auto id = meta.find("id");
  const auto since = meta.find("since");
  if (role == meta.end() || *role != "sandbox" || id == meta.end() || !id->is_string()
      || since == meta.end() || !since->is_number_integer())
    return std::nullopt;
  sandbox_presence out{id->get<std::string>(), since->get<std::int64_t>(), 0};
  if (auto boot = meta.find("boot"); boot != meta.end() && boot->is_number_integer())
    out.boot = boot->get<std::int64_t>();
  if (out.id.empty() || out.since < 0)
    return std::nullopt;
  return out;
}

std::optional<std::string> owner_instead_of(const std::string& id, std::int64_t since,
                                            const std::vector<sandbox_presence>& all) {
  // Of several metas of one id the newest boot speaks: older ones are ghosts.
  std::map<std::string, const sandbox_presence*> others;
  for (const auto& p : all) {
    if (p.id == id)
      continue;
    auto& best = others[p.id];
    if (best == nullptr || p.boot > best->boot)
      best = &p;
  }
  std::optional<std::string> owner;
  std::pair<std::int64_t, std::string> oldest{since, id};
  for (const auto& [other, p] : others)
    if (std::pair candidate{p->since, other}; candidate < oldest) {
      oldest = candidate;
      owner = other;
    }
  return owner;
}

} // namespace holt::link
