// SPDX-License-Identifier: Apache-2.0
#include "actors/activity_log.hpp"

#include "messages/time_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace holt {

namespace {

constexpr std::size_t max_event_bytes = 64 * 1024;

std::string dump(std::uint64_t seq, std::string_view kind, const nlohmann::json& data,
                 std::chrono::system_clock::time_point now) {
  nlohmann::json event{{"seq", seq}, {"ts", to_rfc3339(now)}, {"kind", kind}, {"data", data}};
  return event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace

activity_log::activity_log(std::size_t capacity, std::size_t max_bytes)
  : capacity_{capacity}, max_bytes_{max_bytes} {}

const activity_event& activity_log::append(std::string_view kind, const nlohmann::json& data,
                                           std::chrono::system_clock::time_point now) {
  ++last_;
  auto text = dump(last_, kind, data, now);
  if (text.size() > max_event_bytes)
    text = dump(last_, kind, {{"omittedBytes", text.size()}}, now);
  bytes_ += text.size();
  events_.push_back({last_, std::make_shared<const std::string>(std::move(text))});
  while (events_.size() > 1 && (events_.size() > capacity_ || bytes_ > max_bytes_)) {
    bytes_ -= events_.front().text->size();
    events_.pop_front();
  }
  return events_.back();
}

std::vector<activity_event> activity_log::after(std::uint64_t after, std::size_t limit) const {
  auto from = std::upper_bound(events_.begin(), events_.end(), after,
                               [](std::uint64_t seq, const auto& ev) { return seq < ev.seq; });
  auto count = std::min<std::size_t>(limit, static_cast<std::size_t>(events_.end() - from));
  return {from, from + static_cast<std::ptrdiff_t>(count)};
}

std::uint64_t activity_log::first() const noexcept {
  return events_.empty() ? last_ + 1 : events_.front().seq;
}

} // namespace holt
