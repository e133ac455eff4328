// SPDX-License-Identifier: Apache-2.0
#include "desktop/act_queue.hpp"

#include "desktop/performance.hpp"
#include "desktop/windows.hpp"
#include "desktop/workbench.hpp"

namespace holt::desktop {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t max_orders = 256;
constexpr auto longest_hold = 120s; ///< without any act: its caller has vanished
constexpr auto longest_freeze = 500ms;
constexpr auto look_again = 2ms;

/// Where the pointer must be after it; nothing where it does not say.
std::optional<point> target_of(const act& what) {
  if (const auto* one = std::get_if<move_act>(&what))
    return one->to;
  if (const auto* one = std::get_if<click_act>(&what))
    return one->at;
  if (const auto* one = std::get_if<button_act>(&what))
    return one->at;
  if (const auto* one = std::get_if<drag_act>(&what))
    return one->path.back();
  if (const auto* one = std::get_if<scroll_act>(&what))
    return one->at;
  return {};
}

} // namespace

/// The order in front: how far it is.
struct act_queue::running {
  act_order order;
  std::vector<act_outcome> outcomes;
  std::unique_ptr<performance> current;
  std::optional<clock::time_point> arrive_until; ///< all was sent, the pointer is still under way
  std::optional<clock::time_point> look_until;   ///< the act is done, its effect is waited for
  std::uint64_t frame_before = 0;
  bool watching = false;
};

act_queue::act_queue(workbench& bench) : bench_(bench) {}

act_queue::~act_queue() {
  error gone{errc::desktop_runtime_inactive, "the X server went away before this was done"};
  auto tell = [&](act_order& order, std::vector<act_outcome> outcomes) {
    outcomes.push_back({gone, act_effect::not_asked});
    order.done(std::move(outcomes));
  };
  if (now_)
    tell(now_->order, std::move(now_->outcomes));
  for (auto& order : orders_)
    tell(order, {});
}

void act_queue::add(act_order order) {
  auto fail = [&](error why) { order.done({act_outcome{std::move(why), act_effect::not_asked}}); };
  if (orders_.size() >= max_orders)
    return fail({errc::busy, "too many acts wait"});
  auto size = bench_.view().size();
  if (!size)
    return fail(size.error());
  for (std::size_t i = 0; i < order.acts.size(); ++i)
    if (auto good = fits(order.acts[i], *size); !good) {
      auto why = good.error();
      if (order.acts.size() > 1)
        why.detail = "actions[" + std::to_string(i) + "]." + why.detail;
      return fail(why);
    }
  orders_.push_back(std::move(order));
  if (!now_)
    turn(clock::now());
}

void act_queue::release_all() {
  bench_.hands().release_all();
}

void act_queue::finish() {
  if (now_->watching)
    bench_.view().unwatch();
  auto done = std::move(now_->order.done);
  auto outcomes = std::move(now_->outcomes);
  now_.reset();
  done(std::move(outcomes));
}

act_queue::clock::time_point act_queue::turn(clock::time_point now) {
  while (now_ || !orders_.empty()) {
    if (!now_) {
      now_ = std::make_unique<running>();
      now_->order = std::move(orders_.front());
      orders_.pop_front();
    }
    if (auto later = go_on(now))
      return *later;
    finish();
  }
  const auto& hands = bench_.hands();
  if (hands.held_buttons().empty() && hands.held_keys().empty())
    return clock::time_point::max();
  if (now >= last_act_ + longest_hold) {
    release_all();
    return clock::time_point::max();
  }
  return last_act_ + longest_hold;
}

/// Nothing: the order is done.
std::optional<act_queue::clock::time_point> act_queue::go_on(clock::time_point now) {
  auto& run = *now_;
  auto& view = bench_.view();
  auto fail = [&](const error& why) { run.outcomes.push_back({why, act_effect::not_asked}); };
  for (;;) {
    if (run.look_until) {
      // What came is counted already; a last look asks the server itself.
      if (now >= *run.look_until)
        static_cast<void>(view.frame());
      bool changed = view.seen() != run.frame_before;
      if (!changed && now < *run.look_until)
        return run.look_until;
      run.outcomes.back().effect = changed ? act_effect::confirmed : act_effect::no_visible_change;
      run.look_until.reset();
    }
    if (run.arrive_until) {
      auto where = bench_.tops().pointer();
      // A window manager that looks at a click first holds the pointer where it was; what we sent
      // comes when it lets go. Elsewhere it is because a person moves it.
      const auto target = target_of(run.order.acts[run.outcomes.size()]);
      if (where && target && now < *run.arrive_until) {
        const point here{where->x, where->y};
        if (here != *target && here == last_place_.value_or(here))
          return now + look_again;
      }
      run.arrive_until.reset();
      run.outcomes.push_back({where, act_effect::not_asked});
      if (!where)
        return {};
      last_place_ = point{where->x, where->y};
      if (run.order.effect_wait > 0ms)
        run.look_until = now + run.order.effect_wait;
      continue;
    }
    if (!run.current) {
      if (run.outcomes.size() == run.order.acts.size())
        return {};
      run.current
        = std::make_unique<performance>(run.order.acts[run.outcomes.size()], bench_.board(false));
      if (run.order.effect_wait > 0ms) {
        if (!std::exchange(run.watching, true))
          view.watch();
        auto before = view.frame();
        if (!before) {
          fail(before.error());
          return {};
        }
        run.frame_before = *before;
      }
    }
    auto may = run.order.allowed ? run.order.allowed() : result<void>{};
    if (!may) {
      fail(may.error());
      return {};
    }
    last_act_ = now;
    auto step = run.current->go_on(bench_.hands(), now);
    if (!step) {
      fail(step.error());
      return {};
    }
    if (*step)
      return *step;
    run.current.reset();
    run.arrive_until = now + longest_freeze;
  }
}

} // namespace holt::desktop
