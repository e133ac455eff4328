// SPDX-License-Identifier: Apache-2.0
#include "desktop/clipboard.hpp"

#include <xcb/xfixes.h>

#include <algorithm>
#include <array>

namespace holt::desktop {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t max_transfers = 16;
constexpr auto patience = 5s;
constexpr std::size_t largest_chunk = 256 * 1024;
constexpr std::uint32_t read_words = (max_clipboard_bytes + 4) / 4 + 1;

bool is_utf8(const std::string& text) {
  for (std::size_t i = 0; i < text.size();) {
    auto lead = static_cast<unsigned char>(text[i]);
    std::size_t more = lead < 0x80                   ? 0
                       : lead >= 0xc2 && lead < 0xe0 ? 1
                       : lead >= 0xe0 && lead < 0xf0 ? 2
                       : lead >= 0xf0 && lead < 0xf5 ? 3
                                                     : 4;
    if (more == 4 || i + more >= text.size())
      return false;
    for (std::size_t k = 1; k <= more; ++k)
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80)
        return false;
    i += more + 1;
  }
  return true;
}

/// STRING is Latin-1.
std::string from_latin1(const std::string& text) {
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0 | byte >> 6);
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return out;
}

} // namespace

clipboard::clipboard(connection& x, on_text changed, selection which)
  : x_(x), changed_(std::move(changed)), which_(which) {}

result<std::unique_ptr<clipboard>> clipboard::create(connection& x, on_text changed,
                                                     selection which) {
  std::unique_ptr<clipboard> self{new clipboard(x, std::move(changed), which)};
  if (auto done = self->set_up(); !done)
    return done.error();
  return self;
}

result<void> clipboard::set_up() {
  struct entry {
    const char* name;
    xcb_atom_t* atom;
  };
  const entry wanted[] = {{which_ == selection::primary ? "PRIMARY" : "CLIPBOARD", &clipboard_},
                          {"UTF8_STRING", &utf8_},
                          {"text/plain;charset=utf-8", &plain_},
                          {"TARGETS", &targets_},
                          {"INCR", &incr_},
                          {"TEXT", &text_atom_},
                          {"_HOLT_CLIPBOARD", &property_}};
  for (const auto& w : wanted) {
    auto atom = x_.atom(w.name);
    if (!atom)
      return atom.error();
    *w.atom = *atom;
  }
  chunk_ = std::min(largest_chunk, std::size_t{xcb_get_maximum_request_length(x_.raw())} * 4 / 2);
  window_ = xcb_generate_id(x_.raw());
  const std::uint32_t events = XCB_EVENT_MASK_PROPERTY_CHANGE;
  xcb_create_window(x_.raw(), 0, window_, x_.root(), -1, -1, 1, 1, 0, XCB_WINDOW_CLASS_INPUT_ONLY,
                    XCB_COPY_FROM_PARENT, XCB_CW_EVENT_MASK, &events);
  xcb_xfixes_select_selection_input(x_.raw(), window_, clipboard_,
                                    XCB_XFIXES_SELECTION_EVENT_MASK_SET_SELECTION_OWNER);
  // What is there already.
  start_read(XCB_CURRENT_TIME, utf8_);
  x_.flush();
  return {};
}

clipboard::~clipboard() {
  xcb_destroy_window(x_.raw(), window_);
  x_.flush();
}

result<void> clipboard::set(std::string text) {
  if (text.size() > max_clipboard_bytes)
    return error{errc::payload_too_large, "the clipboard takes at most 1 MiB"};
  if (!is_utf8(text))
    return error{errc::invalid_request, "the text is not UTF-8"};
  text_ = std::move(text);
  owned_ = true;
  reading_ = false;
  xcb_set_selection_owner(x_.raw(), window_, clipboard_, XCB_CURRENT_TIME);
  x_.flush();
  if (x_.lost())
    return x_.failure("SetSelectionOwner");
  return {};
}

void clipboard::start_read(xcb_timestamp_t time, xcb_atom_t target) {
  reading_ = true;
  incremental_ = false;
  asked_ = target;
  incoming_.clear();
  read_progress_ = clock::now();
  xcb_delete_property(x_.raw(), window_, property_);
  xcb_convert_selection(x_.raw(), window_, clipboard_, target, property_, time);
  x_.flush();
}

void clipboard::on_event(const xcb_generic_event_t& event) {
  auto type = event.response_type & 0x7f;
  if (type == x_.events().xfixes + XCB_XFIXES_SELECTION_NOTIFY) {
    const auto& e = reinterpret_cast<const xcb_xfixes_selection_notify_event_t&>(event);
    if (e.selection != clipboard_)
      return;
    owned_ = e.owner == window_;
    if (!owned_ && e.owner != XCB_NONE)
      start_read(e.selection_timestamp, utf8_);
  } else if (type == XCB_SELECTION_NOTIFY) {
    on_notify(reinterpret_cast<const xcb_selection_notify_event_t&>(event));
  } else if (type == XCB_PROPERTY_NOTIFY) {
    on_property(reinterpret_cast<const xcb_property_notify_event_t&>(event));
  } else if (type == XCB_SELECTION_REQUEST) {
    const auto& e = reinterpret_cast<const xcb_selection_request_event_t&>(event);
    if (e.owner == window_ && e.selection == clipboard_)
      serve(e);
  }
}

/// The property's bytes, and deletes it; more than 1 MiB is false.
bool clipboard::read_property(std::string& into, xcb_atom_t& type) {
  auto cookie
    = xcb_get_property(x_.raw(), 1, window_, property_, XCB_GET_PROPERTY_TYPE_ANY, 0, read_words);
  xcb_ptr<xcb_get_property_reply_t> reply{xcb_get_property_reply(x_.raw(), cookie, nullptr)};
  if (!reply || reply->bytes_after > 0)
    return false;
  type = reply->type;
  const auto* bytes = static_cast<const char*>(xcb_get_property_value(reply.get()));
  if (reply->format == 8)
    into.append(bytes, static_cast<std::size_t>(xcb_get_property_value_length(reply.get())));
  return into.size() <= max_clipboard_bytes;
}

void clipboard::on_notify(const xcb_selection_notify_event_t& event) {
  if (!reading_ || event.requestor != window_ || event.selection != clipboard_
      || event.target != asked_)
    return;
  if (event.property == XCB_NONE) { // an owner of the old school has only Latin-1
    reading_ = false;
    if (asked_ == utf8_)
      start_read(event.time, XCB_ATOM_STRING);
    return;
  }
  xcb_atom_t type = 0;
  bool good = read_property(incoming_, type);
  read_progress_ = clock::now();
  if (good && type == incr_) {
    incremental_ = true; // the deletion just made starts the pieces
    incoming_.clear();
  } else if (good) {
    finish_read();
  } else {
    reading_ = false;
  }
}

void clipboard::on_property(const xcb_property_notify_event_t& event) {
  if (event.window == window_) {
    if (!reading_ || !incremental_ || event.atom != property_
        || event.state != XCB_PROPERTY_NEW_VALUE)
      return;
    auto before = incoming_.size();
    xcb_atom_t type = 0;
    read_progress_ = clock::now();
    if (!read_property(incoming_, type))
      reading_ = false;
    else if (incoming_.size() == before) // an empty piece is the end
      finish_read();
    return;
  }
  if (event.state != XCB_PROPERTY_DELETE)
    return;
  for (auto it = outgoing_.begin(); it != outgoing_.end(); ++it) {
    if (it->requestor != event.window || it->property != event.atom)
      continue;
    auto size = std::min(chunk_, it->text.size() - it->sent);
    xcb_change_property(x_.raw(), XCB_PROP_MODE_REPLACE, it->requestor, it->property, it->type, 8,
                        static_cast<std::uint32_t>(size), it->text.data() + it->sent);
    it->sent += size;
    it->progress = clock::now();
    if (size == 0) // that was the end mark
      outgoing_.erase(it);
    x_.flush();
    return;
  }
}

void clipboard::finish_read() {
  reading_ = false;
  auto text = asked_ == XCB_ATOM_STRING ? from_latin1(incoming_) : std::move(incoming_);
  incoming_.clear();
  if (!is_utf8(text))
    return;
  text_ = std::move(text);
  if (changed_)
    changed_(text_);
}

bool clipboard::put(xcb_window_t requestor, xcb_atom_t property, xcb_atom_t target) {
  if (target == targets_) {
    const std::array offered{targets_, utf8_, plain_, text_atom_, xcb_atom_t{XCB_ATOM_STRING}};
    xcb_change_property(x_.raw(), XCB_PROP_MODE_REPLACE, requestor, property, XCB_ATOM_ATOM, 32,
                        offered.size(), offered.data());
    return true;
  }
  bool known
    = target == utf8_ || target == plain_ || target == text_atom_ || target == XCB_ATOM_STRING;
  if (!known)
    return false;
  auto type = target == text_atom_ ? utf8_ : target;
  if (text_.size() <= chunk_) {
    xcb_change_property(x_.raw(), XCB_PROP_MODE_REPLACE, requestor, property, type, 8,
                        static_cast<std::uint32_t>(text_.size()), text_.data());
    return true;
  }
  if (outgoing_.size() >= max_transfers)
    return false;
  const std::uint32_t events = XCB_EVENT_MASK_PROPERTY_CHANGE;
  xcb_change_window_attributes(x_.raw(), requestor, XCB_CW_EVENT_MASK, &events);
  const auto total = static_cast<std::uint32_t>(text_.size());
  xcb_change_property(x_.raw(), XCB_PROP_MODE_REPLACE, requestor, property, incr_, 32, 1, &total);
  outgoing_.push_back({requestor, property, type, text_, 0, clock::now()});
  return true;
}

void clipboard::serve(const xcb_selection_request_event_t& event) {
  auto property = event.property != XCB_NONE ? event.property : event.target;
  xcb_selection_notify_event_t answer{};
  answer.response_type = XCB_SELECTION_NOTIFY;
  answer.time = event.time;
  answer.requestor = event.requestor;
  answer.selection = event.selection;
  answer.target = event.target;
  answer.property
    = owned_ && put(event.requestor, property, event.target) ? property : xcb_atom_t{XCB_NONE};
  xcb_send_event(x_.raw(), 0, event.requestor, 0, reinterpret_cast<const char*>(&answer));
  x_.flush();
}

void clipboard::tick(clock::time_point now) {
  if (reading_ && now - read_progress_ > patience)
    reading_ = false;
  std::erase_if(outgoing_, [&](const transfer& t) { return now - t.progress > patience; });
}

} // namespace holt::desktop
