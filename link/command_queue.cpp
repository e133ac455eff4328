// SPDX-License-Identifier: Apache-2.0
#include "link/command_queue.hpp"

#include <algorithm>

namespace holt::link {

namespace {

bool item_is_slow(const nlohmann::json& item) {
  const auto type = item.is_object() ? item.find("type") : item.end();
  if (!item.is_object() || type == item.end() || !type->is_string())
    return false;
  return type->get_ref<const std::string&>().rfind("shell.", 0) == 0;
}

} // namespace

pace pace_of(const command& what) noexcept {
  switch (what.kind) {
  case command_kind::shell_exec:
  case command_kind::shell_start: return pace::slow;
  case command_kind::batch: {
    const auto items = what.body.find("items");
    const bool slow = items != what.body.end() && items->is_array()
                      && std::any_of(items->begin(), items->end(), item_is_slow);
    return slow ? pace::slow : pace::quick;
  }
  default: return pace::quick;
  }
}

command_queue::command_queue(queue_limits limits) : limits_(limits) {}

result<void> command_queue::push(command_number number, std::string src, pace how,
                                 std::optional<std::int64_t> deadline_ms) {
  if (find(number) != where::unknown)
    return error{errc::internal, "this number is queued already"};
  const auto known = agents_.find(src);
  const auto mine = known == agents_.end() ? 0 : known->second.waiting.size();
  // One place more for each that is about to start: a free slot makes nobody wait.
  const auto free = limits_.running - std::min(regular_, limits_.running);
  const bool place = waiting_ < limits_.waiting + free;
  const bool guest
    = mine < limits_.guest_share && waiting_ < limits_.waiting + limits_.guest_places;
  if (!place && !guest)
    return error{errc::busy, "too many commands wait already"};
  auto& who = agents_[src];
  who.waiting.push_back({number, how, deadline_ms});

  waiting_by_number_.emplace(number, std::move(src));
  if (deadline_ms)
    deadlines_[*deadline_ms].push_back(number);
  ++waiting_;
  return {};
}

command_queue::agents::iterator command_queue::after(const std::string& src) {
  auto i = agents_.upper_bound(src);
  return i == agents_.end() ? agents_.begin() : i;
}

std::optional<command_number> command_queue::next() {
  if (waiting_ == 0)
    return std::nullopt;
  if (regular_ < limits_.running)
    return take_regular();
  if (express_ < limits_.express)
    return take_express();
  return std::nullopt;
}

std::optional<command_number> command_queue::take_regular() {
  auto i = after(last_);
  for (std::size_t n = 0; n < agents_.size(); ++n) {
    if (!i->second.waiting.empty()) {
      last_ = i->first;
      return start(i, 0, false);
    }
    if (++i == agents_.end())
      i = agents_.begin();
  }
  return std::nullopt;
}

std::optional<command_number> command_queue::take_express() {
  auto i = after(last_express_);
  for (std::size_t n = 0; n < agents_.size(); ++n) {
    auto& who = i->second;
    if (!who.waiting.empty() && who.running < limits_.express_share) {
      // The first that may; quick ones overtake slow ones here, for which the slots are too dear.
      std::size_t at = 0;
      if (express_slow_ >= limits_.express_slow)
        while (at < who.waiting.size() && who.waiting[at].how == pace::slow)
          ++at;
      if (at < who.waiting.size()) {
        last_express_ = i->first;
        return start(i, at, true);
      }
    }
    if (++i == agents_.end())
      i = agents_.begin();
  }
  return std::nullopt;
}

std::optional<command_number> command_queue::start(agents::iterator who, std::size_t at,
                                                   bool express) {
  auto src = who->first;
  ++who->second.running;
  const auto chosen = remove(who, at);
  (express ? express_ : regular_) += 1;
  express_slow_ += express && chosen.how == pace::slow ? 1 : 0;
  running_.emplace(chosen.number, run{std::move(src), chosen.how, express});
  return chosen.number;
}

command_queue::entry command_queue::remove(agents::iterator who, std::size_t at) {
  auto& waiting = who->second.waiting;
  const auto out = waiting[at];
  waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(at));

  waiting_by_number_.erase(out.number);
  if (out.deadline_ms) {
    auto due = deadlines_.find(*out.deadline_ms);
    std::erase(due->second, out.number);
    if (due->second.empty())
      deadlines_.erase(due);
  }
  --waiting_;
  tidy(who);
  return out;
}

void command_queue::tidy(agents::iterator who) {
  if (who->second.waiting.empty() && who->second.running == 0)
    agents_.erase(who);
}

void command_queue::done(command_number number) {
  auto i = running_.find(number);
  if (i == running_.end())
    return;
  auto was = std::move(i->second);
  running_.erase(i);
  (was.express ? express_ : regular_) -= 1;
  express_slow_ -= was.express && was.how == pace::slow ? 1 : 0;
  // A regular slot is free: one that runs in a further slot moves over.
  if (!was.express && express_ > 0) {
    auto moved = std::find_if(running_.begin(), running_.end(),
                              [](const auto& r) { return r.second.express; });
    moved->second.express = false;
    --express_;
    ++regular_;
    express_slow_ -= moved->second.how == pace::slow ? 1 : 0;
  }
  auto who = agents_.find(was.src);
  --who->second.running;
  tidy(who);
}

command_queue::where command_queue::find(command_number number) const {
  if (running_.count(number) != 0)
    return where::running;
  return waiting_by_number_.count(number) != 0 ? where::waiting : where::unknown;
}

command_queue::where command_queue::cancel(command_number number) {
  auto i = waiting_by_number_.find(number);
  if (i == waiting_by_number_.end())
    return find(number);
  auto who = agents_.find(i->second);
  const auto& waiting = who->second.waiting;
  const auto at = std::find_if(waiting.begin(), waiting.end(),
                               [&](const entry& e) { return e.number == number; });
  remove(who, static_cast<std::size_t>(at - waiting.begin()));
  return where::waiting;
}

std::vector<command_number> command_queue::expire(std::int64_t now_ms) {
  std::vector<command_number> out;
  while (!deadlines_.empty() && deadlines_.begin()->first < now_ms) {
    auto number = deadlines_.begin()->second.front();
    cancel(number);
    out.push_back(number);
  }
  return out;
}

std::optional<std::int64_t> command_queue::next_deadline() const {
  if (deadlines_.empty())
    return std::nullopt;
  return deadlines_.begin()->first;
}

std::vector<command_number> command_queue::drain() {
  std::vector<command_number> out;
  for (const auto& [number, src] : waiting_by_number_)
    out.push_back(number);
  for (auto number : out)
    cancel(number);
  return out;
}

} // namespace holt::link
