// SPDX-License-Identifier: Apache-2.0
#pragma once

// What was copied in a program outlives it: the selection CLIPBOARD_MANAGER, by which programs ask
// for that before they end (SAVE_TARGETS). Only where no other manager runs. On the connection's
// thread; must not outlive the connection or the clipboard. Never waits.

#include "desktop/clipboard.hpp"

namespace holt::desktop {

class clipboard_manager {
public:
  static result<std::unique_ptr<clipboard_manager>> create(connection& x, clipboard& board);
  ~clipboard_manager();
  clipboard_manager(const clipboard_manager&) = delete;
  clipboard_manager& operator=(const clipboard_manager&) = delete;

  /// Feed every event of the connection.
  void on_event(const xcb_generic_event_t& event);

private:
  clipboard_manager(connection& x, clipboard& board);
  result<void> set_up();
  void serve(const xcb_selection_request_event_t& event);

  connection& x_;
  clipboard& board_;
  atom_names names_;
  xcb_window_t window_;
  xcb_atom_t manager_ = 0, save_ = 0, targets_ = 0, null_ = 0;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true); ///< false: gone; for late answers
};

} // namespace holt::desktop
