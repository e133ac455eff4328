// SPDX-License-Identifier: Apache-2.0
#pragma once

// A text that is typed by way of the clipboard: what is there is kept, the text lent, the keys that
// paste are pressed by whoever owns this, and when the program in front has fetched the text, what
// was there is put back. Put back also when it is given up half-way. On the X thread; never waits.

#include "desktop/clipboard.hpp"

#include <optional>

namespace holt::desktop {

class pasting {
public:
  using clock = std::chrono::steady_clock;

  pasting(clipboard& board, std::string text);
  ~pasting();
  pasting(const pasting&) = delete;
  pasting& operator=(const pasting&) = delete;

  /// The text is lent: the keys are due, then pressed().
  bool ready_to_press(clock::time_point now);
  void pressed(clock::time_point now);

  /// Nothing: it is done; a time: ask again then. conflict: nobody fetched the text.
  result<std::optional<clock::time_point>> go_on(clock::time_point now);

private:
  enum class step : std::uint8_t { keep, lend, press, wait, done };
  /// Outlives this: the clipboard may answer later.
  struct kept {
    std::optional<result<clipboard_kept>> what;
  };

  void on_request(xcb_window_t requestor, selection_server::step now);
  void put_back();

  clipboard& board_;
  std::string text_;
  step step_ = step::keep;
  std::shared_ptr<kept> kept_ = std::make_shared<kept>();
  std::optional<error> failed_;
  std::uint32_t front_ = 0; ///< of whom the program in front is; 0: not known
  int fetching_ = 0;
  bool fetched_ = false;
  clock::time_point since_{}; ///< pressed
  clock::time_point last_request_{};
};

} // namespace holt::desktop
