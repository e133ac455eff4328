// SPDX-License-Identifier: Apache-2.0
#pragma once

// Does acts one after the other, orders in the order they came: no letter of one caller falls
// between two of another. An act that takes time (typing slowly, a drag, a spare key that must
// rest) is gone on with at each turn; nothing here waits. Lets go of what was held for long without
// any act. Works on the X thread, as a part of the workbench.

#include "desktop/acts.hpp"
#include "desktop/windows.hpp"

#include <deque>
#include <functional>
#include <memory>

namespace holt::desktop {

class workbench;

enum class act_effect : std::uint8_t { not_asked, confirmed, no_visible_change };

struct act_outcome {
  result<pointer_place> where = pointer_place{}; ///< afterwards, or why it was not done
  act_effect effect = act_effect::not_asked;
};

struct act_order {
  std::vector<act> acts;
  std::chrono::milliseconds effect_wait{0}; ///< look so long for a change; 0: do not look
  std::function<result<void>()> allowed;    ///< asked before each step
  /// Once. Shorter than `acts` when one failed: it is the last, those behind it were not begun.
  std::function<void(std::vector<act_outcome>)> done;
};

class act_queue {
public:
  using clock = std::chrono::steady_clock;

  explicit act_queue(workbench& bench);
  ~act_queue(); ///< what was not done is answered with an error
  act_queue(const act_queue&) = delete;
  act_queue& operator=(const act_queue&) = delete;

  /// Begins at once if nothing else is being done. Acts whose points are not on the screen make it
  /// fail whole, before anything happened.
  void add(act_order order);

  /// Lets go of keys and buttons.
  void release_all();

  /// Goes on; answers when to call again at the latest.
  clock::time_point turn(clock::time_point now);

private:
  struct running;
  std::optional<clock::time_point> go_on(clock::time_point now);
  void finish();

  workbench& bench_;
  std::deque<act_order> orders_;
  std::unique_ptr<running> now_;
  clock::time_point last_act_{};
  std::optional<point> last_place_; ///< of the pointer, after the act before
};

} // namespace holt::desktop
