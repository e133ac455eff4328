// SPDX-License-Identifier: Apache-2.0
#include "actors/screenshots.hpp"

#include "desktop/workbench.hpp"

#include <boost/asio/post.hpp>

#include <sstream>

namespace holt {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr unsigned most_under_way = 4; ///< pictures of up to 33 MB each
constexpr std::size_t most_waiting = 256;

/// Equal for equal pictures: what the screen shows, what is wanted of it, where the pointer is.
std::string make_tag(const screenshot_wish& wish, std::uint64_t run, const desktop::shot& shot) {
  std::ostringstream out;
  out << '"' << std::hex << run << '.' << std::dec << shot.frame << '.' << shot.area.x << '.'
      << shot.area.y << '.' << shot.area.width << '.' << shot.area.height << '.'
      << static_cast<int>(wish.how.format) << '.' << wish.how.quality << '.' << wish.how.scale;
  if (shot.cursor)
    out << '.' << shot.cursor->serial << '.' << shot.cursor->x << '.' << shot.cursor->y;
  out << '"';
  return out.str();
}

/// If-None-Match may list several, weak ones too.
bool lists(const std::string& known, const std::string& tag) {
  return known == "*" || known.find(tag) != std::string::npos;
}

/// The part of the screen that is wanted.
result<desktop::rectangle> area_of(desktop::workbench& bench, const screenshot_wish& wish) {
  auto size = bench.view().size();
  if (!size)
    return size.error();
  auto width = static_cast<long>(size->width);
  auto height = static_cast<long>(size->height);
  long left = 0, top = 0, right = width, bottom = height;
  if (wish.window) {
    auto found = bench.tops().find(*wish.window);
    if (!found)
      return found.error();
    if (!*found)
      return error{errc::not_found, "Window " + std::to_string(*wish.window) + " not found"};
    const auto& inner = (*found)->inner;
    left = inner.x;
    top = inner.y;
    right = left + static_cast<long>(inner.width);
    bottom = top + static_cast<long>(inner.height);
  } else if (wish.region) {
    left = wish.region->x;
    top = wish.region->y;
    right = left + static_cast<long>(wish.region->width);
    bottom = top + static_cast<long>(wish.region->height);
  }
  left = std::max(left, 0L);
  top = std::max(top, 0L);
  right = std::min(right, width);
  bottom = std::min(bottom, height);
  if (right <= left || bottom <= top)
    return error{errc::desktop_invalid_action, "the region is outside the screen of "
                                                 + std::to_string(width) + " x "
                                                 + std::to_string(height)};
  return desktop::rectangle{static_cast<unsigned>(left), static_cast<unsigned>(top),
                            static_cast<unsigned>(right - left),
                            static_cast<unsigned>(bottom - top)};
}

} // namespace

screenshots::screenshots(x_door_ptr door) : door_{std::move(door)} {}

screenshots::~screenshots() {
  encoders_.join();
}

void screenshots::take(screenshot_wish wish, screenshot_answer answer) {
  request what{std::move(wish), std::move(answer)};
  {
    std::lock_guard guard{mutex_};
    if (under_way_ < most_under_way) {
      ++under_way_;
    } else if (waiting_.size() < most_waiting) {
      waiting_.push_back(std::move(what));
      return;
    } else {
      what.answer(error{errc::busy, "too many screenshots wait"});
      return;
    }
  }
  grab(std::move(what));
}

void screenshots::answer(const request& what, result<screenshot> got) {
  what.answer(std::move(got));
  std::optional<request> next;
  {
    std::lock_guard guard{mutex_};
    if (waiting_.empty()) {
      --under_way_;
    } else {
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
  }
  if (next) // never from within: many may wait for a desktop that is not there
    boost::asio::post(encoders_, [self = shared_from_this(), next = std::move(*next)]() mutable {
      self->grab(std::move(next));
    });
}

void screenshots::grab(request what) {
  auto shared = std::make_shared<request>(std::move(what));
  door_->post([self = shared_from_this(), shared](const result<desktop::workbench*>& got) {
    if (!got)
      return self->answer(*shared, got.error());
    auto& bench = **got;
    auto settle = shared->wish.settle;
    if (settle <= 0ms)
      return self->picture(bench, *shared, true);
    // What was painted before is not waited for; what is painted from now on is.
    static_cast<void>(bench.view().frame());
    bench.view().watch();
    auto begun = clock::now();
    bench.wait(
      [self, shared, &bench, settle, begun, limit = shared->wish.settle_limit](
        clock::time_point now) -> std::optional<clock::time_point> {
        auto quiet_at = std::max(begun, bench.view().last_change()) + settle;
        auto latest = begun + limit;
        if (now < quiet_at && now < latest)
          return std::min(quiet_at, latest);
        bench.view().unwatch();
        self->picture(bench, *shared, now >= quiet_at);
        return {};
      },
      [self, shared] { self->answer(*shared, x_gone()); });
  });
}

void screenshots::picture(desktop::workbench& bench, const request& what, bool settled) {
  auto area = area_of(bench, what.wish);
  if (!area)
    return answer(what, area.error());
  auto shot = bench.view().take(*area, what.wish.with_cursor, [&bench] { bench.pump(); });
  if (!shot)
    return answer(what, shot.error());
  screenshot partial;
  partial.tag = make_tag(what.wish, bench.view().run(), *shot);
  partial.frame = shot->frame;
  partial.area = shot->area;
  partial.width = desktop::scaled(shot->area.width, what.wish.how.scale);
  partial.height = desktop::scaled(shot->area.height, what.wish.how.scale);
  partial.settled = settled;
  if (!what.wish.known_tag.empty() && lists(what.wish.known_tag, partial.tag))
    return answer(what, std::move(partial));
  {
    std::unique_lock guard{mutex_};
    if (last_ && last_->tag == partial.tag) {
      auto same = *last_;
      same.settled = settled;
      guard.unlock();
      return answer(what, std::move(same));
    }
  }
  encode(std::move(*shot), what, std::move(partial));
}

void screenshots::encode(desktop::shot shot, const request& what, screenshot partial) {
  struct work {
    desktop::shot shot;
    request what;
    screenshot out;
  };
  auto shared = std::make_shared<work>(work{std::move(shot), what, std::move(partial)});
  boost::asio::post(encoders_, [self = shared_from_this(), shared] {
    auto done = desktop::finish(shared->shot, shared->what.wish.how);
    shared->shot = {};
    if (!done)
      return self->answer(shared->what, done.error());
    auto& out = shared->out;
    out.bytes = std::make_shared<const std::string>(done->bytes.begin(), done->bytes.end());
    {
      std::lock_guard guard{self->mutex_};
      self->last_ = out;
    }
    self->answer(shared->what, std::move(out));
  });
}

} // namespace holt
