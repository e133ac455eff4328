// SPDX-License-Identifier: Apache-2.0
#pragma once

// Everything the desktop floor does on one X connection, side by side: screen, hands, clipboards,
// windows, and what waits for time or events to pass. Owned by the X thread, which runs jobs on it,
// feeds events and calls turn(). Nothing here waits: what takes time is a `waiting` that is asked
// again.

#include "desktop/act_queue.hpp"
#include "desktop/clipboard_manager.hpp"
#include "desktop/hand_watch.hpp"
#include "desktop/input.hpp"
#include "desktop/screen.hpp"

#include <functional>
#include <list>
#include <memory>
#include <optional>

namespace holt::desktop {

class workbench {
public:
  using clock = std::chrono::steady_clock;

  /// Asked after every event and when its time has come: when again at the latest, or done.
  using waiting = std::function<std::optional<clock::time_point>(clock::time_point now)>;

  static result<std::unique_ptr<workbench>> create(std::shared_ptr<connection> x);
  ~workbench();
  workbench(const workbench&) = delete;
  workbench& operator=(const workbench&) = delete;

  connection& x() noexcept { return *x_; }
  screen& view() noexcept { return *screen_; }
  input& hands() noexcept { return *input_; }
  clipboard& board(bool primary) noexcept { return primary ? *primary_ : *clipboard_; }

  windows& tops() noexcept { return *windows_; }
  act_queue& acts() noexcept { return *acts_; }
  hand_watch& others() noexcept { return *others_; }

  /// Asks `what` at once, and again until it is done. Order is kept. `abandoned` is called instead
  /// when the desk goes first.
  void wait(waiting what, std::function<void()> abandoned = nullptr);

  /// Hands every event that is there to the parts.
  void pump();

  /// pump(), then everything that waits; answers when to call again at the latest.
  clock::time_point turn(clock::time_point now);

private:
  workbench() = default;

  std::shared_ptr<connection> x_;
  std::unique_ptr<screen> screen_;
  std::unique_ptr<input> input_;
  std::unique_ptr<clipboard> clipboard_;
  std::unique_ptr<clipboard> primary_;
  std::unique_ptr<clipboard_manager> manager_;
  std::unique_ptr<windows> windows_;
  std::unique_ptr<act_queue> acts_;
  std::unique_ptr<hand_watch> others_;
  struct waiter {
    waiting ask;
    std::function<void()> abandoned;
  };
  std::list<waiter> waiting_;
};

} // namespace holt::desktop
