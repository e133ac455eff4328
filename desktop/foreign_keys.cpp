// SPDX-License-Identifier: Apache-2.0
#include "desktop/foreign_keys.hpp"

#include <algorithm>

namespace holt::desktop {

namespace {

constexpr std::size_t own_changes_kept = 64;
constexpr unsigned max_spares = 128;
constexpr std::size_t most_looked_at = 4'096; ///< keys of a text at a time

} // namespace

foreign_keys::foreign_keys(connection& x, spare_end spares, spare_keys::clock::duration rest)
  : x_(x), end_(spares), spares_(spares, rest) {}

result<void> foreign_keys::open() {
  auto atom = x_.atom(end_ == spare_end::lowest ? "_HOLT_SPARE_KEYS_LOW" : "_HOLT_SPARE_KEYS_HIGH");
  if (!atom)
    return atom.error();
  property_ = *atom;
  auto cookie
    = xcb_get_property(x_.raw(), 0, x_.root(), property_, XCB_ATOM_CARDINAL, 0, 2 * max_spares);
  xcb_ptr<xcb_get_property_reply_t> old{xcb_get_property_reply(x_.raw(), cookie, nullptr)};
  if (!old || old->format != 32)
    return {};
  const auto* values = static_cast<const std::uint32_t*>(xcb_get_property_value(old.get()));
  std::map<keycode, keysym> left;
  for (unsigned i = 0; i + 1 < old->value_len; i += 2)
    if (values[i] >= 8 && values[i] <= 255)
      left[static_cast<keycode>(values[i])] = values[i + 1];
  spares_.adopt(left);
  return {};
}

void foreign_keys::refresh(const keymap& map) {
  spares_.refresh(map.unused(), [&map](keycode code) { return map.base_symbol(code); });
  publish();
}

bool foreign_keys::caused(const xcb_generic_event_t& event) const {
  return own_changes_.contains(event.full_sequence);
}

result<keycode> foreign_keys::take(keysym sym, const std::vector<keycode>& held) {
  retry_at_.reset();
  auto spare = spares_.take(sym, spare_keys::clock::now(), held);
  if (!spare)
    return spares_.next_free() ? error{errc::busy, "all spare keys are in use"}
                               : error{errc::unsupported, "the layout has no spare key"};
  if (spare->fresh) {
    write({{spare->code, sym}});
    publish();
  }
  return spare->code;
}

result<std::size_t> foreign_keys::prepare(std::span<const keysym> text, const keymap& map,
                                          const modifier_state& modifiers,
                                          const std::vector<keycode>& held) {
  retry_at_.reset();
  const auto now = spare_keys::clock::now();
  const auto except = spares_.mine();
  std::set<keysym> seen;
  std::vector<keysym> there;   // on keys of ours already
  std::vector<keysym> foreign; // in the order of the text
  std::size_t covered = 0;
  for (; covered < std::min(text.size(), most_looked_at); ++covered) {
    auto sym = canonical(text[covered]);
    if (sym == 0 || is_modifier(sym) || !seen.insert(sym).second)
      continue;
    if (map.find(sym, modifiers, except))
      continue;
    if (spares_.has(sym))
      there.push_back(sym);
    else if (foreign.size() + there.size() < spares_.size())
      foreign.push_back(sym);
    else
      break;
  }
  // What is on a key already must still be there when its turn comes.
  for (auto sym : there)
    static_cast<void>(spares_.take(sym, now, held));
  auto room = spares_.free(now, held);
  if (room < foreign.size() && room < (spares_.size() + 1) / 2) {
    auto wanted = std::min(foreign.size(), (spares_.size() + 1) / 2);
    if (auto later = spares_.when_free(wanted); later && *later > now) {
      retry_at_ = later;
      return error{errc::busy, "all spare keys are in use"};
    }
  }
  std::map<keycode, keysym> fresh;
  std::optional<keysym> missing;
  for (auto sym : foreign) {
    auto spare = spares_.take(sym, now, held);
    if (!spare) {
      missing = sym;
      break;
    }
    if (spare->fresh)
      fresh[spare->code] = sym;
  }
  if (!fresh.empty()) {
    write(fresh);
    publish();
  }
  if (!missing)
    return std::max<std::size_t>(covered, 1); // a single key is refused where it is pressed
  for (std::size_t i = 0; i < covered; ++i)
    if (canonical(text[i]) == *missing)
      return std::max<std::size_t>(i, 1);
  return std::max<std::size_t>(covered, 1);
}

void foreign_keys::write(const std::map<keycode, keysym>& meanings) {
  for (auto i = meanings.begin(); i != meanings.end();) {
    // One request for each run of neighbours; the keys between two runs are not ours to write.
    const auto first = i->first;
    std::vector<xcb_keysym_t> syms;
    for (unsigned code = first; i != meanings.end() && i->first == code; ++i, ++code)
      syms.insert(syms.end(), 2, i->second); // both shift levels: it means this whatever is held
    auto cookie = xcb_change_keyboard_mapping(x_.raw(), static_cast<std::uint8_t>(syms.size() / 2),
                                              first, 2, syms.data());
    own_changes_.insert(cookie.sequence);
    while (own_changes_.size() > own_changes_kept)
      own_changes_.erase(own_changes_.begin());
  }
}

void foreign_keys::publish() {
  std::vector<std::uint32_t> values;
  for (auto [code, sym] : spares_.assignments()) {
    values.push_back(code);
    values.push_back(sym);
  }
  xcb_change_property(x_.raw(), XCB_PROP_MODE_REPLACE, x_.root(), property_, XCB_ATOM_CARDINAL, 32,
                      static_cast<std::uint32_t>(values.size()), values.data());
}

spare_keys::clock::time_point foreign_keys::retry_at() const {
  return retry_at_ ? *retry_at_ : spares_.next_free().value_or(spare_keys::clock::now());
}

void foreign_keys::give_back() {
  for (auto code : spares_.mine())
    write({{code, 0}});
  xcb_delete_property(x_.raw(), x_.root(), property_);
}

} // namespace holt::desktop
