// SPDX-License-Identifier: Apache-2.0
#pragma once

// How control stands, as the control actor decided last: asked before every act and again where it
// takes effect, without a message. Outlives the actor, whose next life goes on from it.
// Thread-safe.

#include "actors/control_standing.hpp"

#include <functional>
#include <memory>
#include <mutex>

namespace holt {

class control_gate {
public:
  void set(control::standing now) {
    std::function<void()> tell;
    {
      std::lock_guard guard{mutex_};
      if (now.holds_off_agent() && now.agent_epoch != now_.agent_epoch)
        tell = on_closed_;
      now_ = std::move(now);
    }
    if (tell)
      tell();
  }

  control::standing now() const {
    std::lock_guard guard{mutex_};
    return now_;
  }

  /// control_held, with the reason.
  result<void> may_act(const control::caller& who) const {
    std::lock_guard guard{mutex_};
    return control::may_act(now_, who);
  }

  result<void> may_look(const control::caller& who) const {
    std::lock_guard guard{mutex_};
    return control::may_look(now_, who);
  }

  /// The caller with the epoch of now where it named none: what it asked for under this one is not
  /// done under another.
  control::caller dated(control::caller who) const {
    std::lock_guard guard{mutex_};
    if (!who.epoch)
      who.epoch = now_.epoch;
    return who;
  }

  /// Called each time the gate closes for the agent, on the thread that closed it.
  void on_closed(std::function<void()> what) {
    std::lock_guard guard{mutex_};
    on_closed_ = std::move(what);
  }

private:
  mutable std::mutex mutex_;
  control::standing now_;
  std::function<void()> on_closed_;
};

using control_gate_ptr = std::shared_ptr<control_gate>;

} // namespace holt
