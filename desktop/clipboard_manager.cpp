// SPDX-License-Identifier: Apache-2.0
#include "desktop/clipboard_manager.hpp"

#include <array>

namespace holt::desktop {

clipboard_manager::clipboard_manager(connection& x, clipboard& board)
  : x_(x), board_(board), names_(x), window_(xcb_generate_id(x.raw())) {}

result<std::unique_ptr<clipboard_manager>> clipboard_manager::create(connection& x,
                                                                     clipboard& board) {
  std::unique_ptr<clipboard_manager> self{new clipboard_manager(x, board)};
  if (auto done = self->set_up(); !done)
    return done.error();
  return self;
}

result<void> clipboard_manager::set_up() {
  struct entry {
    const char* name;
    xcb_atom_t* atom;
  };
  const std::array wanted{entry{"CLIPBOARD_MANAGER", &manager_}, entry{"SAVE_TARGETS", &save_},
                          entry{"TARGETS", &targets_}, entry{"NULL", &null_}};
  for (const auto& one : wanted) {
    auto atom = names_.atom(one.name);
    if (!atom)
      return atom.error();
    *one.atom = *atom;
  }
  xcb_create_window(x_.raw(), 0, window_, x_.root(), -1, -1, 1, 1, 0, XCB_WINDOW_CLASS_INPUT_ONLY,
                    XCB_COPY_FROM_PARENT, 0, nullptr);
  xcb_ptr<xcb_get_selection_owner_reply_t> now{
    xcb_get_selection_owner_reply(x_.raw(), xcb_get_selection_owner(x_.raw(), manager_), nullptr)};
  if (!now)
    return x_.failure("GetSelectionOwner");
  if (now->owner == XCB_NONE)
    xcb_set_selection_owner(x_.raw(), window_, manager_, XCB_CURRENT_TIME);
  x_.flush();
  return {};
}

clipboard_manager::~clipboard_manager() {
  *here_ = false;
  xcb_destroy_window(x_.raw(), window_);
  x_.flush();
}

void clipboard_manager::on_event(const xcb_generic_event_t& event) {
  if ((event.response_type & 0x7f) != XCB_SELECTION_REQUEST)
    return;
  const auto& e = reinterpret_cast<const xcb_selection_request_event_t&>(event);
  if (e.owner == window_ && e.selection == manager_)
    serve(e);
}

void clipboard_manager::serve(const xcb_selection_request_event_t& event) {
  const auto property = event.property != XCB_NONE ? event.property : event.target;
  if (event.target == targets_) {
    const std::array offered{targets_, save_};
    xcb_change_property(x_.raw(), XCB_PROP_MODE_REPLACE, event.requestor, property, XCB_ATOM_ATOM,
                        32, offered.size(), offered.data());
    return answer_request(x_, event, property);
  }
  if (event.target != save_)
    return answer_request(x_, event, XCB_NONE);
  board_.keep([this, here = here_, event, property](const result<clipboard_kept>& got) {
    if (!*here)
      return;
    // Told in any case: it waits with its end.
    const bool kept = got && board_.take_over(*got);
    if (kept)
      xcb_change_property(x_.raw(), XCB_PROP_MODE_REPLACE, event.requestor, property, null_, 32, 0,
                          nullptr);
    answer_request(x_, event, kept ? property : xcb_atom_t{XCB_NONE});
  });
}

} // namespace holt::desktop
