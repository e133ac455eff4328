// SPDX-License-Identifier: Apache-2.0
#include "stream/clipboard_bridge.hpp"

namespace holt::stream {

using namespace std::chrono_literals;

clipboard_bridge::clipboard_bridge(x_worker& worker,
                                   std::function<void(const std::string&)> changed)
  : worker_(worker), changed_(std::move(changed)) {
  worker.add(*this);
}

clipboard_bridge::~clipboard_bridge() = default;

result<void> clipboard_bridge::set(std::string text) {
  if (text.size() > desktop::max_clipboard_bytes)
    return error{errc::payload_too_large, "the clipboard takes at most 1 MiB"};
  {
    std::lock_guard lock{mutex_};
    pending_ = std::move(text);
  }
  worker_.wake();
  return {};
}

std::string clipboard_bridge::text() const {
  std::lock_guard lock{mutex_};
  return text_;
}

void clipboard_bridge::publish(const std::string& text) {
  {
    std::lock_guard lock{mutex_};
    text_ = text;
  }
  if (changed_)
    changed_(text);
}

result<void> clipboard_bridge::open(desktop::connection& x) {
  auto made = desktop::clipboard::create(x, [this](const std::string& text) { publish(text); });
  if (!made)
    return made.error();
  clipboard_ = std::move(*made);
  return {};
}

void clipboard_bridge::close() {
  clipboard_.reset();
}

void clipboard_bridge::on_event(const xcb_generic_event_t& event) {
  clipboard_->on_event(event);
}

clipboard_bridge::clock::time_point clipboard_bridge::on_turn(clock::time_point now) {
  std::optional<std::string> text;
  {
    std::lock_guard lock{mutex_};
    text.swap(pending_);
  }
  if (text && clipboard_->set(*text))
    publish(*text);
  clipboard_->tick(now);
  return clipboard_->busy() ? now + 1s : clock::time_point::max();
}

} // namespace holt::stream
