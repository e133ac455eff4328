// SPDX-License-Identifier: Apache-2.0
#include "desktop/selection_server.hpp"

#include <algorithm>
#include <array>

namespace holt::desktop {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t max_transfers = 64; ///< they share their bytes
constexpr std::size_t max_pairs = 64;     ///< of one MULTIPLE
constexpr auto patience = 5s;
constexpr std::size_t largest_chunk = 256 * 1024;

} // namespace

result<void> selection_server::set_up(xcb_atom_t selection) {
  selection_ = selection;
  struct entry {
    const char* name;
    xcb_atom_t* atom;
  };
  const std::array wanted{entry{"TARGETS", &targets_}, entry{"MULTIPLE", &multiple_},
                          entry{"TIMESTAMP", &timestamp_}, entry{"INCR", &incr_},
                          entry{"ATOM_PAIR", &pair_}};
  for (const auto& one : wanted) {
    auto atom = names_.atom(one.name);
    if (!atom)
      return atom.error();
    *one.atom = *atom;
  }
  chunk_ = std::min(largest_chunk, std::size_t{xcb_get_maximum_request_length(x_.raw())} * 4 / 2);
  return {};
}

result<void> selection_server::offer(const std::vector<clip_target>& all) {
  std::vector<xcb_atom_t> order;
  std::map<xcb_atom_t, content> contents;
  for (const auto& one : all) {
    auto target = names_.atom(one.name);
    auto type = target ? names_.atom(one.type) : target;
    if (!type)
      return type.error();
    if (contents.emplace(*target, content{*type, one.bytes}).second)
      order.push_back(*target);
  }
  order_ = std::move(order);
  contents_ = std::move(contents);
  return {};
}

void answer_request(connection& x, const xcb_selection_request_event_t& event,
                    xcb_atom_t property) {
  xcb_selection_notify_event_t out{};
  out.response_type = XCB_SELECTION_NOTIFY;
  out.time = event.time;
  out.requestor = event.requestor;
  out.selection = event.selection;
  out.target = event.target;
  out.property = property;
  xcb_send_event(x.raw(), 0, event.requestor, 0, reinterpret_cast<const char*>(&out));
  x.flush();
}

void selection_server::tell(xcb_window_t requestor, step now) const {
  if (served_)
    served_(requestor, now);
}

void selection_server::give_up(const std::function<bool(const transfer&)>& which) {
  std::vector<xcb_window_t> left;
  for (const auto& one : outgoing_)
    if (which(one))
      left.push_back(one.requestor);
  std::erase_if(outgoing_, which);
  for (const auto requestor : left)
    tell(requestor, step::broken);
}

void selection_server::on_event(const xcb_generic_event_t& event, bool owned) {
  const auto type = event.response_type & 0x7f;
  if (type == XCB_SELECTION_REQUEST) {
    const auto& e = reinterpret_cast<const xcb_selection_request_event_t&>(event);
    if (e.owner == window_ && e.selection == selection_)
      serve(e, owned);
  } else if (type == XCB_PROPERTY_NOTIFY) {
    const auto& e = reinterpret_cast<const xcb_property_notify_event_t&>(event);
    if (e.state == XCB_PROPERTY_DELETE)
      go_on(e);
  } else if (type == XCB_DESTROY_NOTIFY) {
    const auto& e = reinterpret_cast<const xcb_destroy_notify_event_t&>(event);
    give_up([&](const transfer& t) { return t.requestor == e.window; });
  }
}

/// It took a piece: the next one, of which an empty one is the end mark.
void selection_server::go_on(const xcb_property_notify_event_t& event) {
  auto it = std::find_if(outgoing_.begin(), outgoing_.end(), [&](const transfer& t) {
    return t.requestor == event.window && t.property == event.atom;
  });
  if (it == outgoing_.end())
    return;
  const auto size = std::min(chunk_, it->bytes->size() - it->sent);
  xcb_change_property(x_.raw(), XCB_PROP_MODE_REPLACE, it->requestor, it->property, it->type, 8,
                      static_cast<std::uint32_t>(size), it->bytes->data() + it->sent);
  x_.flush();
  it->sent += size;
  it->progress = clock::now();
  if (size != 0)
    return;
  const auto requestor = it->requestor;
  outgoing_.erase(it);
  tell(requestor, step::whole);
}

/// Hears of the window's properties and of its end, beside what others of this connection hear.
bool selection_server::follow(xcb_window_t requestor) {
  xcb_ptr<xcb_get_window_attributes_reply_t> now{xcb_get_window_attributes_reply(
    x_.raw(), xcb_get_window_attributes(x_.raw(), requestor), nullptr)};
  if (!now)
    return false; // gone already
  const std::uint32_t events
    = now->your_event_mask | XCB_EVENT_MASK_PROPERTY_CHANGE | XCB_EVENT_MASK_STRUCTURE_NOTIFY;
  if (events != now->your_event_mask)
    xcb_change_window_attributes(x_.raw(), requestor, XCB_CW_EVENT_MASK, &events);
  return true;
}

bool selection_server::put_content(xcb_window_t requestor, xcb_atom_t property,
                                   const content& what) {
  give_up([&](const transfer& t) { return t.requestor == requestor && t.property == property; });
  tell(requestor, step::begun);
  if (what.bytes->size() <= chunk_) {
    xcb_change_property(x_.raw(), XCB_PROP_MODE_REPLACE, requestor, property, what.type, 8,
                        static_cast<std::uint32_t>(what.bytes->size()), what.bytes->data());
    tell(requestor, step::whole);
    return true;
  }
  if (outgoing_.size() >= max_transfers || !follow(requestor)) {
    tell(requestor, step::broken);
    return false;
  }
  const auto total = static_cast<std::uint32_t>(what.bytes->size());
  xcb_change_property(x_.raw(), XCB_PROP_MODE_REPLACE, requestor, property, incr_, 32, 1, &total);
  outgoing_.push_back({requestor, property, what.type, what.bytes, 0, clock::now()});
  return true;
}

void selection_server::put_atoms(xcb_window_t requestor, xcb_atom_t property, xcb_atom_t type,
                                 const std::vector<xcb_atom_t>& atoms) {
  xcb_change_property(x_.raw(), XCB_PROP_MODE_REPLACE, requestor, property, type, 32,
                      static_cast<std::uint32_t>(atoms.size()), atoms.data());
}

bool selection_server::put(xcb_window_t requestor, xcb_atom_t property, xcb_atom_t target) {
  if (target == targets_) {
    std::vector<xcb_atom_t> all{targets_, multiple_, timestamp_};
    all.insert(all.end(), order_.begin(), order_.end());
    put_atoms(requestor, property, XCB_ATOM_ATOM, all);
    return true;
  }
  if (target == timestamp_) {
    put_atoms(requestor, property, XCB_ATOM_INTEGER, {since_});
    return true;
  }
  auto known = contents_.find(target);
  return known != contents_.end() && put_content(requestor, property, known->second);
}

/// ICCCM 2.6.2: pairs of target and property; what cannot be had loses its property.
bool selection_server::put_many(xcb_window_t requestor, xcb_atom_t property) {
  xcb_ptr<xcb_get_property_reply_t> reply{xcb_get_property_reply(
    x_.raw(),
    xcb_get_property(x_.raw(), 0, requestor, property, XCB_GET_PROPERTY_TYPE_ANY, 0, max_pairs * 2),
    nullptr)};
  if (!reply || reply->format != 32 || reply->bytes_after > 0)
    return false;
  const auto* first = static_cast<const xcb_atom_t*>(xcb_get_property_value(reply.get()));
  std::vector<xcb_atom_t> pairs(first, first + reply->value_len / 2 * 2);
  for (std::size_t i = 0; i < pairs.size(); i += 2)
    if (pairs[i + 1] == XCB_NONE || !put(requestor, pairs[i + 1], pairs[i]))
      pairs[i + 1] = XCB_NONE;
  put_atoms(requestor, property, pair_, pairs);
  return true;
}

void selection_server::serve(const xcb_selection_request_event_t& event, bool owned) {
  // Programs of the old school name no property.
  const auto property = event.property != XCB_NONE ? event.property : event.target;
  bool done = false;
  if (owned && event.target == multiple_)
    done = event.property != XCB_NONE && put_many(event.requestor, property);
  else if (owned)
    done = put(event.requestor, property, event.target);
  answer_request(x_, event, done ? property : xcb_atom_t{XCB_NONE});
}

void selection_server::tick(clock::time_point now) {
  give_up([&](const transfer& t) { return now - t.progress > patience; });
}

} // namespace holt::desktop
