// SPDX-License-Identifier: Apache-2.0
#include "desktop/spare_keys.hpp"

#include <algorithm>

namespace holt::desktop {

std::optional<spare_keys::assignment> spare_keys::take(keysym sym, clock::time_point now,
                                                       const std::vector<keycode>& held) {
  auto is_held
    = [&](keycode code) { return std::find(held.begin(), held.end(), code) != held.end(); };
  for (auto& [code, s] : slots_)
    if (s.sym == sym) {
      s.used = now;
      return assignment{code, false};
    }
  keycode best = 0;
  auto consider = [&](keycode code, const slot& s) {
    if (is_held(code) || (s.sym != 0 && now - s.used < rest_))
      return;
    if (best == 0 || s.used < slots_[best].used)
      best = code;
  };
  if (end_ == spare_end::lowest)
    std::for_each(slots_.begin(), slots_.end(), [&](auto& e) { consider(e.first, e.second); });
  else
    std::for_each(slots_.rbegin(), slots_.rend(), [&](auto& e) { consider(e.first, e.second); });
  if (best == 0)
    return {};
  slots_[best] = {sym, now};
  return assignment{best, true};
}

bool spare_keys::has(keysym sym) const {
  return std::any_of(slots_.begin(), slots_.end(),
                     [&](const auto& one) { return one.second.sym == sym; });
}

std::size_t spare_keys::free(clock::time_point now, const std::vector<keycode>& held) const {
  return static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(), [&](const auto& one) {
    return std::find(held.begin(), held.end(), one.first) == held.end()
           && (one.second.sym == 0 || now - one.second.used >= rest_);
  }));
}

std::optional<spare_keys::clock::time_point> spare_keys::when_free(std::size_t many) const {
  if (many == 0 || many > slots_.size())
    return {};
  std::vector<clock::time_point> times;
  for (const auto& [code, s] : slots_)
    times.push_back(s.sym == 0 ? clock::time_point::min() : s.used + rest_);
  std::sort(times.begin(), times.end());
  return times[many - 1];
}

std::optional<spare_keys::clock::time_point> spare_keys::next_free() const {
  std::optional<clock::time_point> soonest;
  for (const auto& [code, s] : slots_)
    if (auto at = s.sym == 0 ? s.used : s.used + rest_; !soonest || at < *soonest)
      soonest = at;
  return soonest;
}

void spare_keys::refresh(const std::vector<keycode>& unused,
                         const std::function<keysym(keycode)>& symbol_of) {
  auto is_unused
    = [&](keycode code) { return std::binary_search(unused.begin(), unused.end(), code); };
  for (auto it = slots_.begin(); it != slots_.end();) {
    auto& [code, s] = *it;
    bool ours = s.sym != 0 && symbol_of(code) == s.sym;
    if (!ours)
      s.sym = 0;
    it = ours || is_unused(code) ? std::next(it) : slots_.erase(it);
  }
  // Half for each end, so that the two programs that share them never meet.
  auto used = static_cast<std::size_t>(
    std::count_if(slots_.begin(), slots_.end(), [](const auto& e) { return e.second.sym != 0; }));
  auto cap = std::max<std::size_t>((unused.size() + used + 1) / 2, 1);
  auto add = [&](keycode code) {
    if (slots_.size() < cap)
      slots_.try_emplace(code);
  };
  if (end_ == spare_end::lowest)
    std::for_each(unused.begin(), unused.end(), add);
  else
    std::for_each(unused.rbegin(), unused.rend(), add);
}

std::vector<keycode> spare_keys::mine() const {
  std::vector<keycode> codes;
  for (const auto& [code, s] : slots_)
    if (s.sym != 0)
      codes.push_back(code);
  return codes;
}

std::map<keycode, keysym> spare_keys::assignments() const {
  std::map<keycode, keysym> all;
  for (const auto& [code, s] : slots_)
    if (s.sym != 0)
      all[code] = s.sym;
  return all;
}

void spare_keys::adopt(const std::map<keycode, keysym>& left_behind) {
  for (auto [code, sym] : left_behind)
    slots_[code] = {sym, {}};
}

} // namespace holt::desktop
