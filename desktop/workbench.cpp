// SPDX-License-Identifier: Apache-2.0
#include "desktop/workbench.hpp"

namespace holt::desktop {

using namespace std::chrono_literals;

result<std::unique_ptr<workbench>> workbench::create(std::shared_ptr<connection> x) {
  std::unique_ptr<workbench> self{new workbench};
  self->x_ = std::move(x);
  self->screen_ = std::make_unique<screen>(*self->x_);
  // The engine takes spare keys from the other end.
  auto hands = input::create(*self->x_, {spare_end::highest, 2000ms});
  if (!hands)
    return hands.error();
  self->input_ = std::move(*hands);
  auto board = clipboard::create(*self->x_, nullptr);
  if (!board)
    return board.error();
  self->clipboard_ = std::move(*board);
  auto primary = clipboard::create(*self->x_, nullptr, selection::primary);
  if (!primary)
    return primary.error();
  self->primary_ = std::move(*primary);
  auto manager = clipboard_manager::create(*self->x_, *self->clipboard_);
  if (!manager)
    return manager.error();
  self->manager_ = std::move(*manager);
  auto tops = windows::create(*self->x_);
  if (!tops)
    return tops.error();
  self->windows_ = std::move(*tops);
  self->acts_ = std::make_unique<act_queue>(*self);
  self->others_ = std::make_unique<hand_watch>(*self->x_, *self->input_, *self->windows_);
  return self;
}

workbench::~workbench() {
  for (const auto& one : waiting_)
    if (one.abandoned)
      one.abandoned();
}

void workbench::wait(waiting what, std::function<void()> abandoned) {
  if (what(clock::now()))
    waiting_.push_back({std::move(what), std::move(abandoned)});
}

void workbench::pump() {
  while (auto event = x_->next_event()) {
    screen_->on_event(*event);
    input_->on_event(*event);
    clipboard_->on_event(*event);
    primary_->on_event(*event);
    manager_->on_event(*event);
    others_->on_event(*event);
  }
}

workbench::clock::time_point workbench::turn(clock::time_point now) {
  pump();
  auto again = clock::time_point::max();
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    auto next = it->ask(now);
    if (next)
      again = std::min(again, *next);
    it = next ? std::next(it) : waiting_.erase(it);
  }
  again = std::min(again, acts_->turn(now));
  clipboard_->tick(now);
  primary_->tick(now);
  again = std::min({again, clipboard_->next_tick(now), primary_->next_tick(now)});
  x_->flush();
  return again;
}

} // namespace holt::desktop
