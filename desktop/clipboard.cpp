// SPDX-License-Identifier: Apache-2.0
#include "desktop/clipboard.hpp"

#include "messages/command.hpp"

#include <xcb/xfixes.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace holt::desktop {

using namespace std::chrono_literals;

namespace {

constexpr auto look_again = 250ms; ///< who drags over a text makes a change a letter
constexpr std::size_t max_targets = 256;
constexpr std::size_t max_app = 100;

std::vector<xcb_atom_t> atoms_of(const selection_reader::data& got) {
  std::vector<xcb_atom_t> out;
  if (got.format != 32)
    return out;
  out.resize(std::min(got.bytes.size() / sizeof(xcb_atom_t), max_targets));
  std::memcpy(out.data(), got.bytes.data(), out.size() * sizeof(xcb_atom_t));
  return out;
}

/// What the owner's window says of its program; mostly nothing.
std::string app_of(connection& x, xcb_window_t window) {
  xcb_ptr<xcb_get_property_reply_t> reply{xcb_get_property_reply(
    x.raw(),
    xcb_get_property(x.raw(), 0, window, XCB_ATOM_WM_CLASS, XCB_ATOM_STRING, 0, max_app / 4),
    nullptr)};
  if (!reply || reply->format != 8)
    return {};
  std::string both(static_cast<const char*>(xcb_get_property_value(reply.get())),
                   static_cast<std::size_t>(xcb_get_property_value_length(reply.get())));
  const auto first = both.find('\0');
  auto name = first == std::string::npos ? both : both.substr(first + 1);
  name = name.substr(0, name.find('\0'));
  return is_utf8(name) ? name : std::string{};
}

} // namespace

clipboard::clipboard(connection& x, on_text changed, selection which)
  : x_(x),
    names_(x),
    changed_(std::move(changed)),
    which_(which),
    window_(xcb_generate_id(x.raw())),
    server_(x, names_, window_),
    reader_(x, names_) {}

result<std::unique_ptr<clipboard>> clipboard::create(connection& x, on_text changed,
                                                     selection which) {
  std::unique_ptr<clipboard> self{new clipboard(x, std::move(changed), which)};
  if (auto done = self->set_up(); !done)
    return done.error();
  return self;
}

result<void> clipboard::set_up() {
  auto selection = names_.atom(which_ == selection::primary ? "PRIMARY" : "CLIPBOARD");
  auto targets = names_.atom("TARGETS");
  if (!selection || !targets)
    return selection ? targets.error() : selection.error();
  selection_ = *selection;
  targets_ = *targets;
  if (auto done = server_.set_up(selection_); !done)
    return done;
  if (auto done = reader_.set_up(selection_); !done)
    return done;
  const std::uint32_t events = XCB_EVENT_MASK_PROPERTY_CHANGE;
  xcb_create_window(x_.raw(), 0, window_, x_.root(), -1, -1, 1, 1, 0, XCB_WINDOW_CLASS_INPUT_ONLY,
                    XCB_COPY_FROM_PARENT, XCB_CW_EVENT_MASK, &events);
  xcb_xfixes_select_selection_input(x_.raw(), window_, selection_,
                                    XCB_XFIXES_SELECTION_EVENT_MASK_SET_SELECTION_OWNER
                                      | XCB_XFIXES_SELECTION_EVENT_MASK_SELECTION_WINDOW_DESTROY
                                      | XCB_XFIXES_SELECTION_EVENT_MASK_SELECTION_CLIENT_CLOSE);
  // What is there already.
  xcb_ptr<xcb_get_selection_owner_reply_t> now{xcb_get_selection_owner_reply(
    x_.raw(), xcb_get_selection_owner(x_.raw(), selection_), nullptr)};
  if (!now)
    return x_.failure("GetSelectionOwner");
  owner_ = now->owner;
  if (owner_ != XCB_NONE)
    look(clock::now());
  x_.flush();
  return {};
}

clipboard::~clipboard() {
  heard_ = nullptr;
  changed_ = nullptr;
  reader_.end();
  xcb_destroy_window(x_.raw(), window_);
  x_.flush();
}

result<void> clipboard::set(std::string text) {
  return set({{std::string{plain_text}, std::make_shared<const std::string>(std::move(text))}}, {});
}

result<void> clipboard::set(std::vector<clip_part> parts, std::string by) {
  auto done = own_parts(parts, std::move(by), false);
  for (const auto& part : parts)
    if (done && part.type == plain_text)
      text_ = *part.bytes;
  return done;
}

result<void> clipboard::lend(std::vector<clip_part> parts) {
  return own_parts(parts, {}, true);
}

result<void> clipboard::own_parts(const std::vector<clip_part>& parts, std::string by, bool quiet) {
  if (auto good = check_parts(parts); !good)
    return good;
  std::vector<std::string> types;
  for (const auto& part : parts)
    types.push_back(part.type);
  return own(targets_of(parts), std::move(types), std::move(by), quiet);
}

result<void> clipboard::own(const std::vector<clip_target>& targets, std::vector<std::string> types,
                            std::string by, bool quiet) {
  if (auto offered = server_.offer(targets); !offered)
    return offered;
  ours_ = targets;
  types_ = std::move(types);
  by_ = std::move(by);
  quiet_ = quiet;
  ours_bytes_ = 0;
  std::vector<const std::string*> counted; // a text has several names
  for (const auto& one : ours_)
    if (std::find(counted.begin(), counted.end(), one.bytes.get()) == counted.end()) {
      counted.push_back(one.bytes.get());
      ours_bytes_ += one.bytes->size();
    }
  owned_ = true;
  owner_ = window_;
  look_due_ = false;
  look_failed_.reset();
  ++owner_number_;
  own_request_ = xcb_set_selection_owner(x_.raw(), window_, selection_, XCB_CURRENT_TIME).sequence;
  x_.flush();
  if (x_.lost())
    return x_.failure("SetSelectionOwner");
  return {};
}

void clipboard::on_event(const xcb_generic_event_t& event) {
  if ((event.response_type & 0x7f) == x_.events().xfixes + XCB_XFIXES_SELECTION_NOTIFY) {
    const auto& e = reinterpret_cast<const xcb_xfixes_selection_notify_event_t&>(event);
    if (e.selection != selection_ || e.window != window_)
      return; // each part of this connection that listens has its own
    // What was before our last set() is over, also if it is heard of only now.
    if (own_request_ && static_cast<std::int32_t>(event.full_sequence - *own_request_) < 0)
      return;
    own_request_.reset();
    on_owner(e.subtype == XCB_XFIXES_SELECTION_EVENT_SET_SELECTION_OWNER ? e.owner : XCB_NONE,
             e.selection_timestamp);
    return;
  }
  server_.on_event(event, owned_);
  reader_.on_event(event);
}

void clipboard::on_owner(xcb_window_t owner, xcb_timestamp_t since) {
  owned_ = owner == window_;
  owner_ = owner;
  ++owner_number_;
  if (owned_) {
    server_.owned_since(since);
    look_due_ = false;
    return tell();
  }
  look_failed_.reset();
  ours_.clear();
  ours_bytes_ = 0;
  by_.clear();
  quiet_ = false;
  types_.clear();
  offered_.clear();
  static_cast<void>(server_.offer({})); // what is being handed over keeps its bytes
  look_due_ = true;
  const auto now = clock::now();
  if (changed_ || (!looking_ && now - looked_ >= look_again))
    look(now);
}

/// Asks the owner what it has.
void clipboard::look(clock::time_point now) {
  look_due_ = false;
  looked_ = now;
  const auto let_on = [this] {
    auto waiting = std::move(after_look_);
    after_look_.clear();
    for (const auto& one : waiting)
      one();
  };
  if (owner_ == XCB_NONE) {
    tell();
    return let_on();
  }
  if (changed_) // whoever listens for texts need not know what else there is
    return read_text("UTF8_STRING");
  looking_ = true;
  reader_.read(targets_, max_targets * 4, [this, let_on, number = owner_number_](auto got) {
    looking_ = false;
    if (number == owner_number_)
      heard_targets(got);
    else if (look_due_ && !after_look_.empty())
      return look(clock::now()); // somebody else copied meanwhile: who waits wants that
    let_on();
  });
}

void clipboard::heard_targets(const result<selection_reader::data>& got) {
  if (got)
    offered_ = names_.names(atoms_of(*got));
  else // an owner of the old school has only text
    offered_ = {"UTF8_STRING", "STRING"};
  look_failed_.reset();
  if (!got && got.error().code != errc::not_found)
    look_failed_ = got.error();
  types_ = media_types_of(offered_);
  tell();
}

void clipboard::tell() {
  if (!heard_ || quiet_)
    return;
  clipboard_change out;
  out.owned = owned_;
  out.empty = owner_ == XCB_NONE;
  if (std::exchange(told_empty_, out.empty) && out.empty)
    return;
  out.by = by_;
  out.types = types_;
  out.bytes = ours_bytes_;
  if (!owned_ && !out.empty)
    out.app = app_of(x_, owner_);
  heard_(out);
}

void clipboard::read_text(const std::string& target) {
  auto atom = names_.atom(target);
  if (!atom)
    return;
  reader_.read(*atom, max_clipboard_bytes, [this, target, number = owner_number_](auto got) {
    if (number != owner_number_)
      return;
    if (!got) { // an owner of the old school has only Latin-1
      if (got.error().code == errc::not_found && target == "UTF8_STRING")
        read_text("STRING");
      return;
    }
    const auto type = names_.names({got->type}).front();
    auto text = decode_target(target, type, std::move(got->bytes));
    if (!text)
      return;
    text_ = std::move(*text);
    changed_(text_);
  });
}

void clipboard::after_look(std::function<void()> what) {
  if ((look_due_ || look_failed_) && !looking_)
    look(clock::now());
  if (looking_)
    after_look_.push_back(std::move(what));
  else
    what();
}

void clipboard::list(std::function<void(result<std::vector<std::string>>)> what) {
  after_look([this, what = std::move(what)] {
    if (look_failed_)
      what(*look_failed_);
    else
      what(types_);
  });
}

void clipboard::fetch(std::string type, on_part what) {
  after_look([this, type = std::move(type), what = std::move(what)] { fetch_nth(type, 0, what); });
}

void clipboard::fetch_nth(const std::string& type, std::size_t nth, const on_part& what) {
  std::vector<std::string> offered = offered_;
  if (owned_) {
    offered.clear();
    for (const auto& one : ours_)
      offered.push_back(one.name);
  }
  const auto target = owner_ == XCB_NONE ? std::string{} : target_for(type, offered, nth);
  if (target.empty())
    return what(error{errc::not_found, "nothing of this type was copied"});
  const auto media = media_type_of(target);
  if (owned_) {
    for (const auto& one : ours_)
      if (one.name == target) {
        auto text = decode_target(target, one.type, *one.bytes);
        if (!text)
          return what(text.error());
        return what(clip_part{media, std::make_shared<const std::string>(std::move(*text))});
      }
    return;
  }
  auto atom = names_.atom(target);
  if (!atom)
    return what(atom.error());
  reader_.read(*atom, max_offer_bytes, [this, type, nth, what, target, media](auto got) {
    if (!got && got.error().code == errc::not_found)
      return fetch_nth(type, nth + 1, what); // it said so and has it not: the next best
    if (!got)
      return what(got.error());
    const auto how = names_.names({got->type}).front();
    auto bytes = decode_target(target, how, std::move(got->bytes));
    if (!bytes)
      return what(bytes.error());
    what(clip_part{media, std::make_shared<const std::string>(std::move(*bytes))});
  });
}

void clipboard::tick(clock::time_point now) {
  reader_.tick(now);
  server_.tick(now);
  if (look_due_ && !looking_ && now - looked_ >= look_again)
    look(now);
}

clipboard::clock::time_point clipboard::next_tick(clock::time_point now) const {
  if (look_due_ && !looking_)
    return std::max(now, looked_ + look_again);
  return busy() ? now + 1s : clock::time_point::max();
}

} // namespace holt::desktop
