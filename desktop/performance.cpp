// SPDX-License-Identifier: Apache-2.0
#include "desktop/performance.hpp"

#include <cmath>

namespace holt::desktop {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t keys_a_turn = 64; ///< then others may use the X thread
constexpr auto drag_step = 8ms;
constexpr int steps_a_leg = 8; ///< points between two of a drag that takes no time
constexpr auto spare_patience = 5s;

point between(point a, point b, double part) {
  return {static_cast<int>(std::lround(a.x + (b.x - a.x) * part)),
          static_cast<int>(std::lround(a.y + (b.y - a.y) * part))};
}

/// The point after `part` (0 to 1) of a path whose legs take equally long.
point along(const std::vector<point>& path, double part) {
  auto legs = static_cast<double>(path.size() - 1);
  auto leg = std::min(static_cast<std::size_t>(part * legs), path.size() - 2);
  return between(path[leg], path[leg + 1], part * legs - static_cast<double>(leg));
}

} // namespace

performance::progress performance::go_on(input& hands, clock::time_point now) {
  return std::visit([&](const auto& what) { return run(what, hands, now); }, act_);
}

/// A spare key that still rests is no failure, unless it never comes free.
performance::progress performance::unless_busy(const result<void>& got, input& hands,
                                               clock::time_point now) {
  if (got) {
    until_.reset();
    return progress{std::nullopt};
  }
  if (got.error().code != errc::busy)
    return got.error();
  if (!until_)
    until_ = now + spare_patience;
  if (now >= *until_)
    return got.error();
  return progress{std::max(hands.retry_at(), now + 1ms)};
}

performance::progress performance::run(const move_act& what, input& hands, clock::time_point) {
  if (auto moved = hands.move(what.to.x, what.to.y); !moved)
    return moved.error();
  return progress{std::nullopt};
}

performance::progress performance::run(const click_act& what, input& hands, clock::time_point) {
  result<void> outcome = hands.move(what.at.x, what.at.y);
  for (auto sym : what.modifiers)
    if (outcome)
      outcome = hands.key(sym, true);
  for (unsigned i = 0; i < what.count && outcome; ++i) {
    outcome = hands.button(what.button, true);
    if (auto up = hands.button(what.button, false); outcome)
      outcome = up;
  }
  for (auto it = what.modifiers.rbegin(); it != what.modifiers.rend(); ++it)
    static_cast<void>(hands.key(*it, false));
  if (!outcome)
    return outcome.error();
  return progress{std::nullopt};
}

performance::progress performance::run(const button_act& what, input& hands, clock::time_point) {
  auto outcome = what.at ? hands.move(what.at->x, what.at->y) : result<void>{};
  if (outcome)
    outcome = hands.button(what.button, what.down);
  if (!outcome)
    return outcome.error();
  return progress{std::nullopt};
}

performance::progress performance::run(const drag_act& what, input& hands, clock::time_point now) {
  auto legs = what.path.size() - 1;
  auto steps
    = std::max<std::size_t>(legs * steps_a_leg, static_cast<std::size_t>(what.lasts / drag_step));
  result<void> outcome;
  if (step_ == 0) {
    outcome = hands.move(what.path.front().x, what.path.front().y);
    if (outcome)
      outcome = hands.button(what.button, true);
    step_ = 1;
    if (outcome && what.lasts > 0ms)
      return progress{now + what.lasts / steps};
  }
  for (; outcome && step_ <= steps;) {
    auto to = along(what.path, static_cast<double>(step_) / static_cast<double>(steps));
    outcome = hands.move(to.x, to.y);
    ++step_;
    if (outcome && what.lasts > 0ms && step_ <= steps)
      return progress{now + what.lasts / steps};
  }
  if (auto up = hands.button(what.button, false); outcome)
    outcome = up;
  if (!outcome)
    return outcome.error();
  return progress{std::nullopt};
}

performance::progress performance::run(const scroll_act& what, input& hands, clock::time_point) {
  auto outcome = hands.move(what.at.x, what.at.y);
  // The hands have the sign of neko: positive is up and left; and take some clicks at a time.
  for (int dx = what.dx, dy = what.dy; outcome && (dx != 0 || dy != 0);) {
    auto x = std::clamp(dx, -max_scroll_clicks, max_scroll_clicks);
    auto y = std::clamp(dy, -max_scroll_clicks, max_scroll_clicks);
    outcome = hands.scroll(-x, -y);
    dx -= x;
    dy -= y;
  }
  if (!outcome)
    return outcome.error();
  return progress{std::nullopt};
}

performance::progress performance::run(const type_act& what, input& hands, clock::time_point now) {
  for (std::size_t done = 0; step_ < what.keys.size(); ++done) {
    if (done == keys_a_turn)
      return progress{now};
    if (step_ >= prepared_) {
      auto ready = hands.prepare(std::span{what.keys}.subspan(step_));
      if (!ready)
        return unless_busy(ready.error(), hands, now);
      prepared_ = step_ + *ready;
    }
    auto later = unless_busy(hands.chord({}, what.keys[step_]), hands, now);
    if (!later || *later)
      return later;
    ++step_;
    if (what.delay > 0ms && step_ < what.keys.size())
      return progress{now + what.delay};
  }
  return progress{std::nullopt};
}

performance::progress performance::run(const paste_act& what, input& hands, clock::time_point now) {
  if (!pasting_)
    pasting_ = std::make_unique<pasting>(board_, what.text);
  if (pasting_->ready_to_press(now)) {
    auto later = unless_busy(hands.chord(what.modifiers, what.sym), hands, now);
    if (!later || *later)
      return later;
    pasting_->pressed(now);
  }
  return pasting_->go_on(now);
}

performance::progress performance::run(const press_act& what, input& hands, clock::time_point now) {
  return unless_busy(hands.chord(what.modifiers, what.sym), hands, now);
}

performance::progress performance::run(const key_act& what, input& hands, clock::time_point now) {
  return unless_busy(hands.key(what.sym, what.down), hands, now);
}

performance::progress performance::run(const wait_act& what, input&, clock::time_point now) {
  if (!until_)
    until_ = now + what.lasts;
  if (now >= *until_)
    return progress{std::nullopt};
  return progress{until_};
}

namespace {

result<void> on_screen(point at, screen_size size) {
  auto inside
    = [](int value, unsigned limit) { return value >= 0 && static_cast<unsigned>(value) < limit; };
  if (inside(at.x, size.width) && inside(at.y, size.height))
    return {};
  bool x_wrong = !inside(at.x, size.width);
  return error{errc::desktop_invalid_action,
               std::string{x_wrong ? "x " : "y "} + std::to_string(x_wrong ? at.x : at.y)
                 + " is not on the screen of " + std::to_string(size.width) + " x "
                 + std::to_string(size.height)};
}

std::vector<point> points_of(const act& what) {
  if (const auto* move = std::get_if<move_act>(&what))
    return {move->to};
  if (const auto* click = std::get_if<click_act>(&what))
    return {click->at};
  if (const auto* button = std::get_if<button_act>(&what))
    return button->at ? std::vector<point>{*button->at} : std::vector<point>{};
  if (const auto* drag = std::get_if<drag_act>(&what))
    return drag->path;
  if (const auto* scroll = std::get_if<scroll_act>(&what))
    return {scroll->at};
  return {};
}

} // namespace

result<void> fits(const act& what, screen_size size) {
  for (auto at : points_of(what))
    if (auto good = on_screen(at, size); !good)
      return good;
  return {};
}

} // namespace holt::desktop
