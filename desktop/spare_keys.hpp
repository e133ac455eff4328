// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which unused keycode carries which foreign keysym: a pool with least-recently-used reuse. Pure
// book-keeping; the caller changes the server's map. A key used within `rest` is not given another
// meaning, because a slow client may not have looked it up yet. Bounded by the number of keycodes.

#include "desktop/keymap.hpp"

#include <chrono>
#include <functional>
#include <map>

namespace holt::desktop {

/// From which end of the unused keycodes a pool takes: two programs share them without talking.
enum class spare_end { lowest, highest };

class spare_keys {
public:
  using clock = std::chrono::steady_clock;

  spare_keys(spare_end end, clock::duration rest) : end_(end), rest_(rest) {}

  struct assignment {
    keycode code = 0;
    bool fresh = false; ///< the server must be told that `code` now means the keysym
  };

  /// The key for `sym`. Without result: every key was used within `rest` (or is held, see
  /// `held`); then next_free() says when to try again.
  std::optional<assignment> take(keysym sym, clock::time_point now,
                                 const std::vector<keycode>& held);

  /// Whether `sym` has its key already.
  bool has(keysym sym) const;

  /// How many keys there are, whatever they carry.
  std::size_t size() const noexcept { return slots_.size(); }

  /// How many could take another meaning now.
  std::size_t free(clock::time_point now, const std::vector<keycode>& held) const;

  /// When so many will have rested, at the latest then; nothing if there are not so many.
  std::optional<clock::time_point> when_free(std::size_t many) const;

  /// When the key that rests longest may be reused; nothing if there is no key at all.
  std::optional<clock::time_point> next_free() const;

  /// The layout was read anew: its `unused` keys, ascending, and what a key carries there.
  void refresh(const std::vector<keycode>& unused, const std::function<keysym(keycode)>& symbol_of);

  /// Keys that carry something of ours.
  std::vector<keycode> mine() const;
  std::map<keycode, keysym> assignments() const;

  /// Takes over keys that an earlier run left behind; refresh() drops those that carry something
  /// else by now.
  void adopt(const std::map<keycode, keysym>& left_behind);

private:
  struct slot {
    keysym sym = 0; ///< 0: free
    clock::time_point used{};
  };

  spare_end end_;
  clock::duration rest_;
  std::map<keycode, slot> slots_;
};

} // namespace holt::desktop
