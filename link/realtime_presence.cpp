// SPDX-License-Identifier: Apache-2.0
#include "link/realtime_presence.hpp"

namespace holt::link::realtime {

namespace {

constexpr std::size_t most_sandboxes = 1'000;
constexpr std::size_t most_early = 64;

/// Calls `use(key, phx_ref, meta)` for each meta of a sandbox.
template <class Use>
void each_sandbox(const nlohmann::json& members, Use use) {
  if (!members.is_object())
    return;
  for (const auto& [key, member] : members.items()) {
    if (!member.is_object())
      continue;
    const auto metas = member.find("metas");
    if (metas == member.end() || !metas->is_array())
      continue;
    for (const auto& meta : *metas) {
      if (!meta.is_object())
        continue;
      const auto role = meta.find("role");
      const auto ref = meta.find("phx_ref");
      if (role != meta.end() && role->is_string() && *role == "sandbox" && ref != meta.end()
          && ref->is_string())
        use(key, ref->template get<std::string>(), meta);
    }
  }
}

const nlohmann::json& member(const nlohmann::json& of, const char* name) {
  static const nlohmann::json none;
  if (!of.is_object())
    return none;
  const auto it = of.find(name);
  return it == of.end() ? none : *it;
}

} // namespace

void presence_table::reset() {
  known_ = false;
  by_ref_.clear();
  early_.clear();
}

bool presence_table::add(const nlohmann::json& members) {
  bool changed = false;
  each_sandbox(members, [&](const std::string& key, std::string ref, const nlohmann::json& meta) {
    if (by_ref_.size() < most_sandboxes)
      changed = by_ref_.try_emplace(std::move(ref), link_presence{key, meta}).second || changed;
  });
  return changed;
}

bool presence_table::remove(const nlohmann::json& members) {
  bool changed = false;
  each_sandbox(members, [&](const std::string&, const std::string& ref, const nlohmann::json&) {
    changed = by_ref_.erase(ref) > 0 || changed;
  });
  return changed;
}

bool presence_table::take_state(const nlohmann::json& state) {
  by_ref_.clear();
  known_ = true;
  add(state);
  const auto waiting = std::exchange(early_, {});
  for (const auto& diff : waiting)
    take_diff(diff);
  return true;
}

bool presence_table::take_diff(const nlohmann::json& diff) {
  if (!known_) {
    if (early_.size() < most_early)
      early_.push_back(diff);
    return false;
  }
  // A re-track shows the same key in both: joins first, so that the key is never gone in between.
  const bool more = add(member(diff, "joins"));
  const bool less = remove(member(diff, "leaves"));
  return more || less;
}

std::vector<link_presence> presence_table::sandboxes() const {
  std::vector<link_presence> out;
  out.reserve(by_ref_.size());
  for (const auto& [ref, one] : by_ref_)
    out.push_back(one);
  return out;
}

} // namespace holt::link::realtime
