// SPDX-License-Identifier: Apache-2.0

// The clipboard kept whole for a while, in every form that its owner gives, and put back as our
// own. A part of `clipboard`.

#include "desktop/clipboard.hpp"

#include <algorithm>

namespace holt::desktop {

namespace {

constexpr std::size_t max_kept = 48; ///< forms

} // namespace

struct clipboard::keeping {
  std::vector<std::string> wanted;
  std::size_t at = 0;
  std::size_t bytes = 0;
  std::uint64_t number = 0; ///< of the owner whom it is about
  clipboard_kept kept;
  on_kept what;

  void add(const std::string& target, const std::string& type, std::string got) {
    if (media_type_of(target) != plain_text) {
      kept.targets.push_back({target, type, std::make_shared<const std::string>(std::move(got))});
      return;
    }
    if (auto text = decode_target(target, type, std::move(got)))
      for (auto& one : targets_of(
             {{std::string{plain_text}, std::make_shared<const std::string>(std::move(*text))}}))
        kept.targets.push_back(std::move(one));
  }
};

void clipboard::keep(on_kept what) {
  after_look([this, what = std::move(what)]() mutable {
    auto how = std::make_shared<keeping>();
    how->kept.types = types_;
    how->number = owner_number_;
    how->what = std::move(what);
    if (owned_) {
      how->kept.targets = ours_;
      how->kept.by = by_;
    } else if (owner_ != XCB_NONE) {
      // A text needs one of its names; what is no media type is no content, or an order to the
      // owner.
      if (auto text = target_for(plain_text, offered_); !text.empty())
        how->wanted.push_back(std::move(text));
      for (const auto& one : offered_)
        if (auto type = media_type_of(one);
            !type.empty() && type != plain_text && how->wanted.size() < max_kept)
          how->wanted.push_back(one);
    }
    keep_next(how);
  });
}

void clipboard::keep_next(const std::shared_ptr<keeping>& how) {
  if (how->at >= how->wanted.size()) {
    if (how->kept.targets.empty() && !how->wanted.empty())
      return how->what(error{errc::conflict, "what is on the clipboard now cannot be kept"});
    return how->what(std::move(how->kept));
  }
  const auto& target = how->wanted[how->at];
  auto atom = names_.atom(target);
  if (!atom)
    return how->what(atom.error());
  reader_.read(*atom, max_offer_bytes - how->bytes, [this, how, target](auto got) {
    if (how->number != owner_number_)
      return how->what(error{errc::conflict, "somebody else copied meanwhile"});
    if (!got && got.error().code != errc::not_found && got.error().code != errc::payload_too_large)
      return how->what(got.error());
    if (got && got->format == 8) {
      how->bytes += got->bytes.size();
      how->add(target, names_.names({got->type}).front(), std::move(got->bytes));
    }
    ++how->at;
    keep_next(how);
  });
}

result<void> clipboard::put_back(const clipboard_kept& what) {
  if (!owned_ || !quiet_)
    return {}; // somebody copied: that is what is wanted now
  if (!what.targets.empty())
    return own(what.targets, what.types, what.by, true);
  ours_.clear();
  types_.clear();
  xcb_set_selection_owner(x_.raw(), XCB_NONE, selection_, XCB_CURRENT_TIME);
  x_.flush();
  return {};
}

bool clipboard::take_over(const clipboard_kept& what) {
  if (what.targets.empty())
    return false;
  return owned_ || own(what.targets, what.types, {}, false).has_value();
}

std::uint32_t clipboard::client_of(xcb_window_t window) const {
  return window & ~xcb_get_setup(x_.raw())->resource_id_mask;
}

std::uint32_t clipboard::client_in_front() const {
  xcb_ptr<xcb_get_input_focus_reply_t> focus{
    xcb_get_input_focus_reply(x_.raw(), xcb_get_input_focus(x_.raw()), nullptr)};
  if (!focus || focus->focus == XCB_NONE || focus->focus == XCB_INPUT_FOCUS_POINTER_ROOT
      || focus->focus == x_.root())
    return 0;
  return client_of(focus->focus);
}

} // namespace holt::desktop
