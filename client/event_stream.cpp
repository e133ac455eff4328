// SPDX-License-Identifier: Apache-2.0
#include "client/event_stream.hpp"

#include <algorithm>
#include <utility>

namespace holt::client {

bool event_stream::feed(std::string_view bytes,
                        const std::function<bool(const server_event&)>& each) {
  while (!bytes.empty()) {
    if (after_cr_ && bytes.front() == '\n')
      bytes.remove_prefix(1);
    after_cr_ = false;
    // One byte at a time is what the library searches fast.
    const auto feed_at = bytes.find('\n');
    const auto end = std::min(bytes.substr(0, feed_at).find('\r'), feed_at);
    const auto part = bytes.substr(0, end);
    if (line_.size() + part.size() > max_event) {
      too_large_ = true;
      line_.clear();
    } else {
      line_.append(part);
    }
    if (end == std::string_view::npos)
      return true;
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    std::string whole;
    whole.swap(line_);
    if (!line(whole, each))
      return false;
  }
  return true;
}

bool event_stream::line(std::string_view text,
                        const std::function<bool(const server_event&)>& each) {
  if (text.empty()) {
    const auto event = std::exchange(now_, {});
    const bool complete = std::exchange(any_data_, false);
    if (std::exchange(too_large_, false)) {
      ++dropped_;
      return true;
    }
    if (!complete)
      return true;
    if (!event.name.empty())
      return each(event);
    auto unnamed = event;
    unnamed.name = "message";
    return each(unnamed);
  }
  const auto colon = text.find(':');
  const auto field = text.substr(0, colon);
  auto value = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  if (value.starts_with(' '))
    value.remove_prefix(1);
  if (field == "event") {
    now_.name = value;
  } else if (field == "id") {
    now_.id = value;
  } else if (field == "data") {
    if (now_.data.size() + value.size() > max_event) {
      too_large_ = true;
      now_.data.clear();
    }
    if (std::exchange(any_data_, true))
      now_.data += '\n';
    now_.data.append(value);
  }
  return true;
}

} // namespace holt::client
