// SPDX-License-Identifier: Apache-2.0
#include "supervisor/child_spec.hpp"

#include "supervisor/spec_check.hpp"

#include <cmath>
#include <functional>
#include <unordered_map>

namespace holt::supervision {

namespace {

constexpr auto longest = milliseconds{24 * 3'600'000};

error wrong(errc code, const child_id& id, std::string_view field, std::string_view why) {
  return {code, "child \"" + id + "\": " + std::string{field} + " " + std::string{why}};
}

/// The graph of "is ready only after": members → dependencies, their own and those of the groups
/// above; groups → members. Finds a node on a cycle, or -1.
class cycle_finder {
public:
  cycle_finder(const std::vector<child_spec>& specs,
               const std::unordered_map<child_id, std::size_t>& places)
    : edges_(specs.size()), colour_(specs.size(), 0) {
    for (std::size_t i = 0; i < specs.size(); ++i) {
      for (auto at = i;;) {
        for (const auto& dep : specs[at].depends_on)
          edges_[i].push_back(places.at(dep));
        if (specs[at].parent.empty())
          break;
        at = places.at(specs[at].parent);
      }
      if (!specs[i].parent.empty())
        edges_[places.at(specs[i].parent)].push_back(i);
    }
  }

  std::ptrdiff_t find() {
    for (std::size_t i = 0; i < edges_.size(); ++i)
      if (auto on = visit(i); on >= 0)
        return on;
    return -1;
  }

private:
  /// Depth first without recursion: a chain may be as long as the list.
  std::ptrdiff_t visit(std::size_t from) {
    if (colour_[from] != 0)
      return -1;
    std::vector<std::pair<std::size_t, std::size_t>> path{{from, 0}};
    colour_[from] = 1;
    while (!path.empty()) {
      auto& [at, edge] = path.back();
      if (edge == edges_[at].size()) {
        colour_[at] = 2;
        path.pop_back();
        continue;
      }
      auto to = edges_[at][edge++];
      if (colour_[to] == 1)
        return static_cast<std::ptrdiff_t>(to);
      if (colour_[to] == 0) {
        colour_[to] = 1;
        path.emplace_back(to, 0);
      }
    }
    return -1;
  }

  std::vector<std::vector<std::size_t>> edges_;
  std::vector<int> colour_; ///< 0 new, 1 on the path, 2 done
};

} // namespace

result<void> check_fields(const child_spec& spec) {
  const auto bad = [&](std::string_view field, std::string_view why) {
    return wrong(errc::invalid_request, spec.id, field, why);
  };
  if (spec.id.empty())
    return bad("id", "is empty");
  if (spec.id.size() > 200)
    return bad("id", "is longer than 200 bytes");
  const auto group = spec.kind == child_kind::group;
  if (group && spec.port)
    return bad("port", "is set, but a group has none");
  if (!group && !spec.port)
    return bad("port", "is missing");
  if (!group && spec.one_for_all)
    return bad("one_for_all", "is for groups only");
  const auto& b = spec.backoff;
  if (b.min < milliseconds{0} || b.min > longest)
    return bad("backoff.min", "is out of range");
  if (b.max < b.min || b.max > longest)
    return bad("backoff.max", "is out of range or less than backoff.min");
  if (!(b.factor >= 1.0 && b.factor <= 100.0))
    return bad("backoff.factor", "must lie in 1 to 100");
  if (!(b.jitter >= 0.0 && b.jitter <= 1.0))
    return bad("backoff.jitter", "must lie in 0 to 1");
  if (b.reset_after <= milliseconds{0} || b.reset_after > longest)
    return bad("backoff.reset_after", "is out of range");
  if (spec.budget.deaths > 1'000)
    return bad("budget.deaths", "is more than 1000");
  if (spec.budget.window <= milliseconds{0} || spec.budget.window > longest)
    return bad("budget.window", "is out of range");
  if (spec.ready.timeout <= milliseconds{0} || spec.ready.timeout > longest)
    return bad("ready.timeout", "is out of range");
  if (spec.ready.extended_timeout < spec.ready.timeout || spec.ready.extended_timeout > longest)
    return bad("ready.extended_timeout", "is out of range or less than ready.timeout");
  if (spec.live.enabled) {
    if (spec.live.period < milliseconds{1} || spec.live.period > longest)
      return bad("live.period", "is out of range");
    if (spec.live.timeout < milliseconds{1} || spec.live.timeout > longest)
      return bad("live.timeout", "is out of range");
    if (spec.live.misses == 0)
      return bad("live.misses", "must be at least 1");
  }
  if (spec.stop.grace < milliseconds{0} || spec.stop.grace > longest)
    return bad("stop.grace", "is out of range");
  if (spec.stop.kill_grace <= milliseconds{0} || spec.stop.kill_grace > longest)
    return bad("stop.kill_grace", "is out of range");
  if (spec.cooldown_period <= milliseconds{0} || spec.cooldown_period > longest)
    return bad("cooldown_period", "is out of range");
  return {};
}

result<void> validate(const std::vector<child_spec>& specs) {
  std::unordered_map<child_id, std::size_t> places;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (auto fine = check_fields(specs[i]); !fine)
      return error{errc::config, fine.error().detail};
    if (!places.emplace(specs[i].id, i).second)
      return wrong(errc::config, specs[i].id, "id", "is not unique");
  }
  for (const auto& spec : specs) {
    if (!spec.parent.empty()) {
      auto parent = places.find(spec.parent);
      if (parent == places.end())
        return wrong(errc::config, spec.id, "parent", "\"" + spec.parent + "\" is not known");
      if (specs[parent->second].kind != child_kind::group)
        return wrong(errc::config, spec.id, "parent", "\"" + spec.parent + "\" is not a group");
    }
    for (const auto& dep : spec.depends_on) {
      auto on = places.find(dep);
      if (on == places.end())
        return wrong(errc::config, spec.id, "depends_on", "\"" + dep + "\" is not known");
      const auto& other = specs[on->second];
      if (other.kind != child_kind::group && other.restart == restart_policy::temporary)
        return wrong(errc::config, spec.id, "depends_on", "\"" + dep + "\" is temporary");
    }
    // A chain of parents that is longer than the list runs in a circle.
    auto steps = std::size_t{0};
    for (auto at = &spec; !at->parent.empty() && places.contains(at->parent);
         at = &specs[places.at(at->parent)])
      if (++steps > specs.size())
        return wrong(errc::config, spec.id, "parent", "is part of a cycle");
  }
  if (auto on = cycle_finder{specs, places}.find(); on >= 0)
    return wrong(errc::config, specs[static_cast<std::size_t>(on)].id, "depends_on",
                 "is part of a cycle");
  return {};
}

} // namespace holt::supervision
