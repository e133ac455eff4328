// SPDX-License-Identifier: Apache-2.0
#pragma once

// One act while it is being done, step by step. Works on the X thread; never waits.

#include "desktop/acts.hpp"
#include "desktop/input.hpp"
#include "desktop/pasting.hpp"

namespace holt::desktop {

class performance {
public:
  using clock = std::chrono::steady_clock;

  /// `board`: the clipboard by which a paste_act goes.
  performance(act what, clipboard& board) : act_(std::move(what)), board_(board) {}

  /// Does what can be done now. Nothing: it is done; a time: go on then.
  result<std::optional<clock::time_point>> go_on(input& hands, clock::time_point now);

private:
  using progress = result<std::optional<clock::time_point>>;
  progress run(const move_act& what, input& hands, clock::time_point now);
  progress run(const click_act& what, input& hands, clock::time_point now);
  progress run(const button_act& what, input& hands, clock::time_point now);
  progress run(const drag_act& what, input& hands, clock::time_point now);
  progress run(const scroll_act& what, input& hands, clock::time_point now);
  progress run(const type_act& what, input& hands, clock::time_point now);
  progress run(const paste_act& what, input& hands, clock::time_point now);
  progress run(const press_act& what, input& hands, clock::time_point now);
  progress run(const key_act& what, input& hands, clock::time_point now);
  progress run(const wait_act& what, input& hands, clock::time_point now);
  progress unless_busy(const result<void>& got, input& hands, clock::time_point now);

  act act_;
  clipboard& board_;
  std::unique_ptr<pasting> pasting_;
  std::size_t step_ = 0;                   ///< of a drag or a text
  std::size_t prepared_ = 0;               ///< keys of a text that the keymap is ready for
  std::optional<clock::time_point> until_; ///< end of a wait, or of patience with spare keys
};

} // namespace holt::desktop
