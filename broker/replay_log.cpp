// SPDX-License-Identifier: Apache-2.0
#include "broker/replay_log.hpp"

#include "broker/presence.hpp"

#include <algorithm>

namespace holt::broker {

std::int64_t now_milliseconds() noexcept {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
           std::chrono::system_clock::now().time_since_epoch())
    .count();
}

void replay_log::drop_oldest(channel_log& from) {
  const auto size = from.entries.front().what->size();
  from.bytes -= size;
  bytes_ -= size;
  from.entries.pop_front();
}

void replay_log::drop(place what) {
  bytes_ -= what->bytes;
  places_.erase(what->name);
  channels_.erase(what);
}

void replay_log::keep(const std::string& channel, side from, const outgoing_ptr& what,
                      std::string id, std::int64_t now) {
  const auto size = what->size();
  if (size > how_.channel_bytes)
    return;
  const std::lock_guard lock{mutex_};
  place at;
  if (const auto found = places_.find(channel); found != places_.end()) {
    at = found->second;
    channels_.splice(channels_.end(), channels_, at);
  } else {
    at = channels_.insert(channels_.end(), channel_log{channel, {}, 0});
    places_.emplace(channel, at);
  }
  while (!at->entries.empty()
         && (at->entries.size() >= most_replayed || at->bytes + size > how_.channel_bytes))
    drop_oldest(*at);
  at->entries.push_back({now, from, what, std::move(id)});
  at->bytes += size;
  bytes_ += size;
  while (channels_.size() > 1 && (bytes_ > how_.bytes || channels_.size() > how_.channels))
    drop(channels_.begin());
}

std::vector<letter> replay_log::since(const std::string& channel, side reader,
                                      const replay_wish& wish, std::int64_t now) {
  std::vector<letter> out;
  const std::lock_guard lock{mutex_};
  const auto found = places_.find(channel);
  if (found == places_.end())
    return out;
  const auto oldest = std::max(wish.since_ms, now - how_.age.count());
  auto& all = found->second->entries;
  for (auto one = all.rbegin(); one != all.rend() && out.size() < wish.limit; ++one) {
    if (one->at < oldest || !speaks_to(one->from, reader))
      continue; // not the end: the clock of a machine may be set back
    auto message = one->what->message();
    if (!message)
      continue; // it has no event, by which nobody could hear it again
    if (one->id.empty())
      one->id = message->id.empty() ? new_uuid() : message->id;
    message->id = one->id;
    message->replayed = true;
    out.push_back({0, one->from, std::move(*message), 0});
  }
  std::reverse(out.begin(), out.end());
  return out;
}

void replay_log::sweep(std::int64_t now) {
  const std::lock_guard lock{mutex_};
  while (!channels_.empty() && channels_.front().entries.back().at < now - how_.age.count())
    drop(channels_.begin());
}

std::size_t replay_log::channels() const {
  const std::lock_guard lock{mutex_};
  return channels_.size();
}

std::size_t replay_log::bytes() const {
  const std::lock_guard lock{mutex_};
  return bytes_;
}

} // namespace holt::broker
