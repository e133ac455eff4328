// SPDX-License-Identifier: Apache-2.0
#pragma once

// The owner's half of a selection: answers what programs ask for, also many things at once
// (MULTIPLE) and in pieces (INCR), several programs at a time. What is being handed over stays as
// it was asked for, whatever is copied next; programs that die or stall are given up after 5 s
// without progress. A part of `clipboard`; on its connection's thread. Never waits.

#include "desktop/atom_names.hpp"
#include "desktop/clipboard_content.hpp"

#include <chrono>
#include <functional>
#include <map>

namespace holt::desktop {

/// Answers a request for a selection: what was asked for stands in `property`; XCB_NONE: refused.
void answer_request(connection& x, const xcb_selection_request_event_t& event, xcb_atom_t property);

class selection_server {
public:
  using clock = std::chrono::steady_clock;
  enum class step : std::uint8_t { begun, whole, broken };
  /// Content was asked for by this window; then it has got all of it, or will not.
  using on_served = std::function<void(xcb_window_t requestor, step now)>;

  selection_server(connection& x, atom_names& names, xcb_window_t window)
    : x_(x), names_(names), window_(window) {}
  result<void> set_up(xcb_atom_t selection);

  /// What is answered from now on.
  result<void> offer(const std::vector<clip_target>& all);

  /// Since when it is owned, in the server's time.
  void owned_since(xcb_timestamp_t when) noexcept { since_ = when; }

  void on_event(const xcb_generic_event_t& event, bool owned);
  void tick(clock::time_point now);
  bool busy() const noexcept { return !outgoing_.empty(); }

  void watch(on_served what) { served_ = std::move(what); }

private:
  struct content {
    xcb_atom_t type = 0;
    shared_bytes bytes;
  };
  struct transfer {
    xcb_window_t requestor = 0;
    xcb_atom_t property = 0;
    xcb_atom_t type = 0;
    shared_bytes bytes;
    std::size_t sent = 0;
    clock::time_point progress{};
  };

  void serve(const xcb_selection_request_event_t& event, bool owned);
  bool put(xcb_window_t requestor, xcb_atom_t property, xcb_atom_t target);
  bool put_content(xcb_window_t requestor, xcb_atom_t property, const content& what);
  bool put_many(xcb_window_t requestor, xcb_atom_t property);
  void put_atoms(xcb_window_t requestor, xcb_atom_t property, xcb_atom_t type,
                 const std::vector<xcb_atom_t>& atoms);
  bool follow(xcb_window_t requestor);
  void go_on(const xcb_property_notify_event_t& event);
  void tell(xcb_window_t requestor, step now) const;
  void give_up(const std::function<bool(const transfer&)>& which);

  connection& x_;
  atom_names& names_;
  xcb_window_t window_;
  xcb_atom_t selection_ = 0, targets_ = 0, multiple_ = 0, timestamp_ = 0, incr_ = 0, pair_ = 0;
  std::size_t chunk_ = 0; ///< bytes a property change may carry
  xcb_timestamp_t since_ = XCB_CURRENT_TIME;
  std::vector<xcb_atom_t> order_; ///< of the targets, as they were offered
  std::map<xcb_atom_t, content> contents_;
  std::vector<transfer> outgoing_;
  on_served served_;
};

} // namespace holt::desktop
