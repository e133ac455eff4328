// SPDX-License-Identifier: Apache-2.0
#include "stream/input_sink.hpp"

namespace holt::stream {

using namespace std::chrono_literals;

namespace {
constexpr std::size_t max_queue = 1024;
constexpr auto retry_step = 20ms;     ///< shortest wait for a spare key
constexpr auto retry_patience = 5s;   ///< after it was queued; then the press is given up
constexpr int pixels_per_click = 100; ///< what browsers make of one notch, 100 to 120
constexpr std::uint32_t first_wheel_button = 4;
constexpr std::uint32_t last_wheel_button = 7;

int take_clicks(int& rest, int pixels) noexcept {
  if ((rest < 0) != (pixels < 0)) // the hand turned round: what was left over is stale
    rest = 0;
  rest += pixels;
  int clicks = rest / pixels_per_click;
  rest -= clicks * pixels_per_click;
  return -clicks; // the DOM counts downwards
}
} // namespace

wheel_converter::clicks wheel_converter::feed(int dx_pixels, int dy_pixels) noexcept {
  clicks out;
  if (dx_pixels != 0)
    out.dx = take_clicks(x_, dx_pixels);
  if (dy_pixels != 0)
    out.dy = take_clicks(y_, dy_pixels);
  return out;
}

input_sink::input_sink(x_worker& worker) : worker_(worker) {
  worker.add(*this);
}

input_sink::~input_sink() = default;

void input_sink::push(op what) {
  {
    std::lock_guard lock{mutex_};
    what.queued = clock::now();
    bool merges = what.what == kind::move && !queue_.empty() && queue_.back().what == kind::move
                  && queue_.back().viewer == what.viewer;
    // What ends something must get through: it is bounded by what was begun.
    bool ends = what.what == kind::release || what.what == kind::close
                || ((what.what == kind::key || what.what == kind::button) && !what.flag);
    if (merges)
      queue_.back() = what;
    else if (queue_.size() < max_queue || (ends && queue_.size() < 2 * max_queue))
      queue_.push_back(what);
    else if (what.what == kind::close || what.what == kind::release) {
      // Releases everything of this viewer; the rest of the queue is hopelessly late.
      dropped_ += queue_.size();
      std::erase_if(queue_, [&](const op& o) {
        return o.viewer == what.viewer || (o.what != kind::close && o.what != kind::release);
      });
      queue_.push_back(what);
    } else
      ++dropped_;
  }
  worker_.wake();
}

void input_sink::move(viewer_id viewer, int x, int y) {
  push({kind::move, viewer, x, y, 0, false, {}});
}

void input_sink::scroll(viewer_id viewer, int dx, int dy, bool control) {
  push({kind::scroll, viewer, dx, dy, 0, control, {}});
}

void input_sink::key(viewer_id viewer, std::uint32_t keysym, bool down) {
  push({kind::key, viewer, 0, 0, keysym, down, {}});
}

void input_sink::button(viewer_id viewer, std::uint32_t number, bool down) {
  push({kind::button, viewer, 0, 0, number, down, {}});
}

void input_sink::release(viewer_id viewer) {
  push({kind::release, viewer, 0, 0, 0, false, {}});
}

void input_sink::close(viewer_id viewer) {
  push({kind::close, viewer, 0, 0, 0, false, {}});
}

void input_sink::set_dom_wheel(viewer_id viewer, bool on) {
  push({kind::dom_wheel, viewer, 0, 0, 0, on, {}});
}

std::uint64_t input_sink::dropped() const {
  std::lock_guard lock{mutex_};
  return dropped_;
}

result<void> input_sink::open(desktop::connection& x) {
  auto made = desktop::input::create(x);
  if (!made)
    return made.error();
  input_ = std::move(*made);
  return {};
}

void input_sink::close() {
  input_.reset();
  viewers_.clear();
}

void input_sink::on_event(const xcb_generic_event_t& event) {
  input_->on_event(event);
}

input_sink::clock::time_point input_sink::on_turn(clock::time_point now) {
  for (;;) {
    op next;
    {
      std::lock_guard lock{mutex_};
      if (queue_.empty())
        return clock::time_point::max();
      next = queue_.front();
      queue_.pop_front();
    }
    if (run(next))
      continue;
    // No spare key yet: keep the order, come back when one has rested.
    std::lock_guard lock{mutex_};
    if (clock::now() - next.queued < retry_patience) {
      queue_.push_front(next);
      return std::max(input_->retry_at(), now + retry_step);
    }
    ++dropped_;
  }
}

bool input_sink::run(const op& what) {
  switch (what.what) {
  case kind::move: static_cast<void>(input_->move(what.x, what.y)); break;
  case kind::scroll: run_scroll(what); break;
  case kind::key: return run_key(what);
  case kind::button: run_button(what); break;
  case kind::release: run_release(what.viewer); break;
  case kind::close:
    run_release(what.viewer);
    viewers_.erase(what.viewer);
    break;
  case kind::dom_wheel: viewers_[what.viewer].dom_wheel = what.flag; break;
  }
  return true;
}

bool input_sink::run_key(const op& what) {
  auto& keys = viewers_[what.viewer].keys;
  auto sym = what.code;
  if (what.flag) {
    auto pressed = input_->key(sym, true);
    if (!pressed && pressed.error().code == errc::busy)
      return false;
    if (pressed) {
      keys.insert(sym);
    } else {
      std::lock_guard lock{mutex_};
      ++dropped_;
    }
    return true;
  }
  keys.erase(sym);
  if (!others_hold_key(what.viewer, sym))
    static_cast<void>(input_->key(sym, false));
  return true;
}

void input_sink::run_button(const op& what) {
  auto& buttons = viewers_[what.viewer].buttons;
  if (what.code >= first_wheel_button && what.code <= last_wheel_button)
    return; // the wheel has its own way in, with a limit
  if (what.flag) {
    if (input_->button(what.code, true))
      buttons.insert(what.code);
    return;
  }
  buttons.erase(what.code);
  if (!others_hold_button(what.viewer, what.code))
    static_cast<void>(input_->button(what.code, false));
}

void input_sink::run_scroll(const op& what) {
  auto& viewer = viewers_[what.viewer];
  auto clicks = viewer.dom_wheel ? viewer.wheel.feed(what.x, what.y)
                                 : wheel_converter::clicks{what.x, what.y};
  if (clicks.dx != 0 || clicks.dy != 0)
    static_cast<void>(input_->scroll(clicks.dx, clicks.dy, what.flag));
}

void input_sink::run_release(viewer_id viewer) {
  auto found = viewers_.find(viewer);
  if (found == viewers_.end())
    return;
  auto keys = std::exchange(found->second.keys, {});
  auto buttons = std::exchange(found->second.buttons, {});
  for (auto sym : keys)
    if (!others_hold_key(viewer, sym))
      static_cast<void>(input_->key(sym, false));
  for (auto number : buttons)
    if (!others_hold_button(viewer, number))
      static_cast<void>(input_->button(number, false));
}

bool input_sink::others_hold_key(viewer_id viewer, std::uint32_t keysym) const {
  for (const auto& [id, v] : viewers_)
    if (id != viewer && v.keys.contains(keysym))
      return true;
  return false;
}

bool input_sink::others_hold_button(viewer_id viewer, std::uint32_t number) const {
  for (const auto& [id, v] : viewers_)
    if (id != viewer && v.buttons.contains(number))
      return true;
  return false;
}

} // namespace holt::stream
