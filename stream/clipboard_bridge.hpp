// SPDX-License-Identifier: Apache-2.0
#pragma once

// The desktop's clipboard for viewers: set() from any thread, a callback for what is copied on the
// desktop. A part of x_worker. Who may see and set it is decided elsewhere.

#include "desktop/clipboard.hpp"
#include "stream/x_worker.hpp"

#include <mutex>
#include <optional>

namespace holt::stream {

class clipboard_bridge : public x_part {
public:
  /// `changed`: UTF-8 text, at most 1 MiB; on the worker's thread. Also called for one's own set()
  /// (neko's host hears its own).
  clipboard_bridge(x_worker& worker, std::function<void(const std::string&)> changed);
  ~clipboard_bridge() override;

  /// Any thread; the newest text wins. Errors: payload_too_large.
  result<void> set(std::string text);

  /// The text last set or seen. Any thread.
  std::string text() const;

  // x_part
  result<void> open(desktop::connection& x) override;
  void close() override;
  void on_event(const xcb_generic_event_t& event) override;
  clock::time_point on_turn(clock::time_point now) override;

private:
  void publish(const std::string& text);

  x_worker& worker_;
  std::function<void(const std::string&)> changed_;
  mutable std::mutex mutex_;
  std::optional<std::string> pending_; ///< guarded
  std::string text_;                   ///< guarded
  std::unique_ptr<desktop::clipboard> clipboard_;
};

} // namespace holt::stream
