// SPDX-License-Identifier: Apache-2.0
#include "stream/cursor_watch.hpp"

namespace holt::stream {

using namespace std::chrono_literals;

namespace {
constexpr auto moving_interval = 16ms; ///< 60 Hz at most
constexpr auto resting_interval = 50ms;
constexpr auto moving_for = 500ms; ///< after the last change
} // namespace

cursor_watch::cursor_watch(x_worker& worker, cursor_callbacks callbacks)
  : worker_(worker), callbacks_(std::move(callbacks)) {
  worker.add(*this);
}

cursor_watch::~cursor_watch() = default;

void cursor_watch::set_viewers(unsigned count) {
  viewers_ = count;
  worker_.wake();
}

std::shared_ptr<const desktop::cursor_image> cursor_watch::image() const {
  std::lock_guard lock{mutex_};
  return image_;
}

desktop::pointer_position cursor_watch::position() const {
  std::lock_guard lock{mutex_};
  return position_;
}

result<void> cursor_watch::open(desktop::connection& x) {
  x_ = &x;
  desktop::watch_cursor(x);
  auto place = desktop::read_pointer(x);
  if (!place)
    return place.error();
  read_image();
  std::lock_guard lock{mutex_};
  position_ = *place;
  return {};
}

void cursor_watch::close() {
  x_ = nullptr;
}

void cursor_watch::on_event(const xcb_generic_event_t& event) {
  if (desktop::is_cursor_event(*x_, event))
    image_stale_ = true;
}

void cursor_watch::read_image() {
  auto read = desktop::read_cursor(*x_);
  image_stale_ = false;
  if (!read)
    return; // a lost connection is noticed by the worker
  auto fresh = std::make_shared<const desktop::cursor_image>(std::move(*read));
  {
    std::lock_guard lock{mutex_};
    if (image_ && image_->serial == fresh->serial)
      return;
    image_ = fresh;
  }
  if (viewers_ != 0 && callbacks_.on_image)
    callbacks_.on_image(std::move(fresh));
}

cursor_watch::clock::time_point cursor_watch::on_turn(clock::time_point now) {
  if (viewers_ == 0)
    return clock::time_point::max();
  if (image_stale_)
    read_image();
  if (now < next_poll_)
    return next_poll_;
  auto place = desktop::read_pointer(*x_);
  if (place && *place != position()) {
    {
      std::lock_guard lock{mutex_};
      position_ = *place;
    }
    last_move_ = now;
    if (callbacks_.on_position)
      callbacks_.on_position(*place);
  }
  next_poll_ = now + (now - last_move_ < moving_for ? moving_interval : resting_interval);
  return next_poll_;
}

} // namespace holt::stream
