// SPDX-License-Identifier: Apache-2.0
#include "desktop/selection_reader.hpp"

#include <algorithm>
#include <cstring>

namespace holt::desktop {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t max_waiting = 64;
constexpr auto patience = 5s;       ///< without progress
constexpr auto longest_read = 60s;  ///< also with progress
constexpr auto longest_sweep = 60s; ///< of one who goes on sending
constexpr auto clear_within = 1s;   ///< for the next piece of one that was given up

error too_large(std::size_t limit) {
  return {errc::payload_too_large,
          "what was copied is larger than " + std::to_string(limit) + " bytes"};
}

error gone() {
  return {errc::desktop_runtime_inactive, "the X server went away before this was done"};
}

} // namespace

void selection_reader::end() {
  ended_ = true;
  asked_ = false;
  auto all = std::move(waiting_);
  waiting_.clear();
  for (auto& one : all)
    one.what(gone());
}

selection_reader::~selection_reader() {
  for (const auto& one : seats_)
    if (one.window != 0)
      xcb_destroy_window(x_.raw(), one.window);
  x_.flush();
}

result<void> selection_reader::set_up(xcb_atom_t selection) {
  selection_ = selection;
  auto incr = names_.atom("INCR");
  auto property = names_.atom("_HOLT_CLIPBOARD");
  if (!incr || !property)
    return incr ? property.error() : incr.error();
  incr_ = *incr;
  property_ = *property;
  for (auto& one : seats_) {
    one.window = xcb_generate_id(x_.raw());
    const std::uint32_t events = XCB_EVENT_MASK_PROPERTY_CHANGE;
    xcb_create_window(x_.raw(), 0, one.window, x_.root(), -1, -1, 1, 1, 0,
                      XCB_WINDOW_CLASS_INPUT_ONLY, XCB_COPY_FROM_PARENT, XCB_CW_EVENT_MASK,
                      &events);
  }
  return {};
}

void selection_reader::read(xcb_atom_t target, std::size_t limit, done what) {
  if (ended_)
    return what(gone());
  if (waiting_.size() >= max_waiting)
    return what(error{errc::busy, "too much waits for the clipboard's owner"});
  waiting_.push_back({target, limit, std::move(what)});
  go_on();
}

/// A program that still sends what was given up is not asked for more meanwhile: some (xclip) mix
/// two transfers up.
void selection_reader::go_on() {
  if (!asked_ && !waiting_.empty() && !clearing(clock::now()))
    ask();
}

bool selection_reader::clearing(clock::time_point now) const {
  return std::any_of(seats_.begin(), seats_.end(), [&](const seat& one) {
    return one.sending && now < one.sweep_until && now - one.swept < clear_within;
  });
}

/// Takes a piece away, unread; an empty one is the end.
void selection_reader::sweep(seat& one) {
  xcb_ptr<xcb_get_property_reply_t> left{xcb_get_property_reply(
    x_.raw(), xcb_get_property(x_.raw(), 0, one.window, property_, XCB_GET_PROPERTY_TYPE_ANY, 0, 0),
    nullptr)};
  xcb_delete_property(x_.raw(), one.window, property_);
  x_.flush();
  one.swept = clock::now();
  if (left && left->type != XCB_NONE && left->bytes_after == 0)
    one.sending = false;
}

void selection_reader::ask() {
  asked_ = true;
  incremental_ = false;
  incoming_ = {};
  began_ = progress_ = clock::now();
  for (std::size_t i = 0; i < seats_.size(); ++i) { // one that nobody writes to, if there is one
    seat_ = (seat_ + 1) % seats_.size();
    if (began_ >= seats_[seat_].sweep_until)
      break;
  }
  seats_[seat_].sweep_until = {};
  seats_[seat_].sending = false;
  const auto window = seats_[seat_].window;
  xcb_delete_property(x_.raw(), window, property_);
  xcb_convert_selection(x_.raw(), window, selection_, waiting_.front().target, property_,
                        XCB_CURRENT_TIME);
  x_.flush();
}

void selection_reader::finish(result<data> got) {
  if (!got) {
    auto& one = seats_[seat_];
    one.swept = clock::now();
    one.sweep_until = one.swept + longest_sweep;
    one.sending = incremental_;
  }
  auto what = std::move(waiting_.front().what);
  waiting_.pop_front();
  asked_ = false;
  incoming_ = {};
  what(std::move(got)); // may ask for more
  go_on();
}

bool selection_reader::mine(xcb_window_t window) const {
  return std::any_of(seats_.begin(), seats_.end(),
                     [&](const seat& one) { return one.window == window; });
}

/// The property's bytes, which are deleted there.
result<void> selection_reader::take(data& into) {
  const auto limit = waiting_.front().limit;
  const auto words = static_cast<std::uint32_t>((limit - into.bytes.size()) / 4 + 1);
  xcb_ptr<xcb_get_property_reply_t> reply{
    xcb_get_property_reply(x_.raw(),
                           xcb_get_property(x_.raw(), 1, seats_[seat_].window, property_,
                                            XCB_GET_PROPERTY_TYPE_ANY, 0, words),
                           nullptr)};
  if (!reply)
    return x_.failure("GetProperty");
  if (reply->bytes_after > 0) {
    xcb_delete_property(x_.raw(), seats_[seat_].window, property_);
    x_.flush();
    return too_large(limit);
  }
  into.type = reply->type;
  into.format = reply->format;
  into.bytes.append(static_cast<const char*>(xcb_get_property_value(reply.get())),
                    static_cast<std::size_t>(xcb_get_property_value_length(reply.get())));
  if (into.bytes.size() > limit)
    return too_large(limit);
  return {};
}

void selection_reader::on_event(const xcb_generic_event_t& event) {
  const auto type = event.response_type & 0x7f;
  if (type == XCB_SELECTION_NOTIFY)
    on_notify(reinterpret_cast<const xcb_selection_notify_event_t&>(event));
  else if (type == XCB_PROPERTY_NOTIFY)
    on_property(reinterpret_cast<const xcb_property_notify_event_t&>(event));
}

void selection_reader::on_notify(const xcb_selection_notify_event_t& event) {
  if (!asked_ || incremental_ || event.requestor != seats_[seat_].window
      || event.selection != selection_ || event.target != waiting_.front().target)
    return;
  progress_ = clock::now();
  if (event.property == XCB_NONE)
    return finish(error{errc::not_found, "the owner of the clipboard does not give this"});
  data got;
  if (auto there = take(got); !there)
    return finish(there.error());
  if (got.type != incr_)
    return finish(std::move(got));
  std::uint32_t at_least = 0;
  if (got.bytes.size() >= sizeof at_least)
    std::memcpy(&at_least, got.bytes.data(), sizeof at_least);
  incremental_ = true; // the deletion just made starts the pieces
  if (at_least > waiting_.front().limit)
    return finish(too_large(waiting_.front().limit));
}

void selection_reader::on_property(const xcb_property_notify_event_t& event) {
  if (event.state != XCB_PROPERTY_NEW_VALUE || event.atom != property_ || !mine(event.window))
    return;
  if (!asked_ || event.window != seats_[seat_].window) {
    for (auto& one : seats_)
      if (one.window == event.window && clock::now() < one.sweep_until)
        sweep(one);
    return go_on();
  }
  if (!incremental_)
    return; // told by a SelectionNotify
  const auto before = incoming_.bytes.size();
  progress_ = clock::now();
  if (auto there = take(incoming_); !there)
    return finish(there.error());
  if (incoming_.bytes.size() == before) // an empty piece is the end
    finish(std::move(incoming_));
}

void selection_reader::tick(clock::time_point now) {
  if (asked_ && (now - progress_ > patience || now - began_ > longest_read))
    finish(error{errc::timeout, "the program that owns the clipboard does not answer"});
  go_on();
}

} // namespace holt::desktop
