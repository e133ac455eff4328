// SPDX-License-Identifier: Apache-2.0
#pragma once

// The asker's half of a selection: reads what its owner offers, one thing after the other, also in
// pieces (INCR). Bounded in bytes and time: an owner that stalls is given up after 5 s without
// progress, one that never ends after 60 s; what it sends late is swept away, so that it is not
// stuck itself. A part of `clipboard`; on its connection's thread. Never waits.

#include "desktop/atom_names.hpp"

#include <array>
#include <chrono>
#include <deque>
#include <functional>

namespace holt::desktop {

class selection_reader {
public:
  using clock = std::chrono::steady_clock;

  struct data {
    xcb_atom_t type = 0;
    std::uint8_t format = 8; ///< bits of an item
    std::string bytes;
  };
  /// not_found: the owner has no such thing; payload_too_large, timeout, io, busy.
  using done = std::function<void(result<data>)>;

  selection_reader(connection& x, atom_names& names) : x_(x), names_(names) {}
  ~selection_reader(); ///< end() was called
  selection_reader(const selection_reader&) = delete;
  selection_reader& operator=(const selection_reader&) = delete;

  result<void> set_up(xcb_atom_t selection);

  /// Asks for `target`; order is kept. At most `limit` bytes.
  void read(xcb_atom_t target, std::size_t limit, done what);

  void on_event(const xcb_generic_event_t& event);
  void tick(clock::time_point now);
  /// Answers what waits, and whatever is asked later, with io.
  void end();
  bool busy() const noexcept { return !waiting_.empty(); }

private:
  struct request {
    xcb_atom_t target = 0;
    std::size_t limit = 0;
    done what;
  };
  /// One of several, so that what comes too late is not taken for what was asked next.
  struct seat {
    xcb_window_t window = 0;
    clock::time_point sweep_until{}; ///< deletes what a given-up owner still sends
    clock::time_point swept{};       ///< it sent last
    bool sending = false;            ///< its end mark has not come
  };

  void go_on();
  void ask();
  void sweep(seat& one);
  bool clearing(clock::time_point now) const;
  void finish(result<data> got);
  void on_notify(const xcb_selection_notify_event_t& event);
  void on_property(const xcb_property_notify_event_t& event);
  result<void> take(data& into);
  bool mine(xcb_window_t window) const;

  connection& x_;
  atom_names& names_;
  xcb_atom_t selection_ = 0, incr_ = 0, property_ = 0;
  std::array<seat, 4> seats_;
  std::size_t seat_ = 0;        ///< of what is being read
  std::deque<request> waiting_; ///< the first is being read
  bool asked_ = false;
  bool ended_ = false;
  bool incremental_ = false;
  data incoming_;
  clock::time_point began_{};
  clock::time_point progress_{};
};

} // namespace holt::desktop
