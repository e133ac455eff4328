// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whether the API may act on the desktop, as the control actor decided last: asked before every
// act and again where it takes effect, without a message. Thread-safe.

#include "messages/error.hpp"

#include <functional>
#include <memory>
#include <mutex>

namespace holt {

class control_gate {
public:
  /// What control::may_api_act answers now.
  void set(result<void> may) {
    std::function<void()> tell;
    {
      std::lock_guard guard{mutex_};
      if (may_.has_value() && !may.has_value())
        tell = on_closed_;
      may_ = std::move(may);
    }
    if (tell)
      tell();
  }

  /// control_held, with the holder's name, while a person has taken control.
  result<void> may_act() const {
    std::lock_guard guard{mutex_};
    return may_;
  }

  /// Called each time the gate closes, on the thread that closed it.
  void on_closed(std::function<void()> what) {
    std::lock_guard guard{mutex_};
    on_closed_ = std::move(what);
  }

private:
  mutable std::mutex mutex_;
  result<void> may_;
  std::function<void()> on_closed_;
};

using control_gate_ptr = std::shared_ptr<control_gate>;

} // namespace holt
