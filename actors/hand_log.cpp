// SPDX-License-Identifier: Apache-2.0
#include "actors/hand_log.hpp"

#include <cstdlib>

namespace holt {

namespace {

using namespace std::chrono_literals;
using desktop::hand_event;
using desktop::hand_move;

constexpr std::size_t max_entries = 1'000;
constexpr std::size_t max_text = 4'000; ///< bytes of one entry
constexpr std::size_t max_title = 200;
constexpr auto click_again = 500ms;
constexpr auto wheel_again = 1'000ms;
constexpr auto typing_again = 10'000ms;
constexpr int still = 5; ///< pixels; a hand is not steadier than that

bool near(desktop::point a, desktop::point b) {
  return std::abs(a.x - b.x) <= still && std::abs(a.y - b.y) <= still;
}

/// Whole characters only.
std::string cut(const std::string& text, std::size_t limit) {
  if (text.size() <= limit)
    return text;
  auto end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end);
}

bool is_wheel(unsigned button) {
  return button >= 4 && button <= 7;
}

} // namespace

hand_log::entry& hand_log::begin(const char* kind, const hand_event& what,
                                 const control::standing& now, clock::time_point at) {
  if (entries_.size() >= max_entries)
    entries_.pop_front();
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
  entry out{
    ++last_seq_,
    kind,
    at,
    {{"seq", last_seq_}, {"ts", ms}, {"epoch", now.epoch}, {"name", now.driver}, {"kind", kind}}};
  if (what.window != 0)
    out.data["window"] = std::to_string(what.window);
  if (!what.title.empty())
    out.data["title"] = cut(what.title, max_title);
  if (!what.app.empty())
    out.data["app"] = cut(what.app, max_title);
  entries_.push_back(std::move(out));
  closed_ = false;
  return entries_.back();
}

hand_log::entry* hand_log::open(const char* kind, const hand_event& what,
                                const control::standing& now, clock::time_point at,
                                std::chrono::milliseconds limit) {
  if (closed_ || entries_.empty())
    return nullptr;
  auto& last = entries_.back();
  bool same
    = last.kind == kind && last.data.value("name", "") == now.driver
      && last.data["epoch"] == now.epoch
      && last.data.value("window", "") == (what.window != 0 ? std::to_string(what.window) : "");
  if (!same || at > last.last + limit)
    return nullptr;
  last.last = at;
  return &last;
}

void hand_log::add(const hand_event& what, const control::standing& now, clock::time_point at) {
  std::lock_guard guard{mutex_};
  switch (what.what) {
  case hand_move::focus: begin("focus", what, now, at); break;
  case hand_move::key: add_key(what, now, at); break;
  case hand_move::button_down:
    if (is_wheel(what.button))
      add_wheel(what, now, at);
    else
      down_[what.button] = what;
    break;
  case hand_move::button_up:
    if (!is_wheel(what.button))
      add_up(what, now, at);
    break;
  }
}

void hand_log::add_up(const hand_event& what, const control::standing& now, clock::time_point at) {
  auto i = down_.find(what.button);
  if (i == down_.end())
    return; // pressed before we looked
  auto from = std::move(i->second);
  down_.erase(i);
  if (!near(from.at, what.at)) {
    auto& drag = begin("drag", from, now, at);
    drag.data.update({{"button", what.button},
                      {"x", from.at.x},
                      {"y", from.at.y},
                      {"toX", what.at.x},
                      {"toY", what.at.y}});
    return;
  }
  if (auto* again = open("click", from, now, at, click_again)) {
    auto& data = again->data;
    bool same = data["button"] == what.button
                && near({data["x"].get<int>(), data["y"].get<int>()}, from.at);
    if (same) {
      data["count"] = data["count"].get<unsigned>() + 1;
      return;
    }
  }
  begin("click", from, now, at)
    .data.update({{"button", what.button}, {"count", 1}, {"x", from.at.x}, {"y", from.at.y}});
}

void hand_log::add_wheel(const hand_event& what, const control::standing& now,
                         clock::time_point at) {
  auto* one = open("scroll", what, now, at, wheel_again);
  if (one == nullptr) {
    one = &begin("scroll", what, now, at);
    one->data.update({{"x", what.at.x}, {"y", what.at.y}, {"dx", 0}, {"dy", 0}});
  }
  const char* axis = what.button <= 5 ? "dy" : "dx";
  int step = what.button == 5 || what.button == 7 ? 1 : -1; // positive is down and right
  one->data[axis] = one->data[axis].get<int>() + step;
}

void hand_log::add_key(const hand_event& what, const control::standing& now, clock::time_point at) {
  if (what.text.empty()) {
    auto* one = open("key", what, now, at, typing_again);
    if (one == nullptr || one->data["key"] != what.key) {
      begin("key", what, now, at).data.update({{"key", what.key}, {"count", 1}});
      return;
    }
    one->data["count"] = one->data["count"].get<unsigned>() + 1;
    return;
  }
  auto* one = open("type", what, now, at, typing_again);
  if (one == nullptr) {
    one = &begin("type", what, now, at);
    one->data["keys"] = 0;
    if (with_text_)
      one->data["text"] = "";
  }
  one->data["keys"] = one->data["keys"].get<unsigned>() + 1;
  if (!with_text_)
    return;
  auto& text = one->data["text"].get_ref<std::string&>();
  if (text.size() + what.text.size() <= max_text)
    text += what.text;
}

nlohmann::json hand_log::page(std::uint64_t after, std::size_t limit) {
  std::lock_guard guard{mutex_};
  closed_ = true;
  auto first = entries_.empty() ? last_seq_ + 1 : entries_.front().seq;
  auto list = nlohmann::json::array();
  auto next = after;
  for (const auto& one : entries_) {
    if (one.seq <= after)
      continue;
    if (list.size() == limit)
      break;
    list.push_back(one.data);
    next = one.seq;
  }
  return {{"entries", std::move(list)}, {"next", next}, {"first", first}};
}

} // namespace holt
