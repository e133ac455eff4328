// SPDX-License-Identifier: Apache-2.0
#pragma once

// Server-sent events, byte by byte as they come from a connection. Pure: no I/O; bounded memory;
// what is no event is passed over.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace holt::client {

struct server_event {
  std::string name; ///< `event:`; `message` where there is none
  std::string id;   ///< `id:` of this event; empty: none
  std::string data; ///< lines of `data:` joined with line feeds
};

class event_stream {
public:
  static constexpr std::size_t max_event = 16 * 1024 * 1024; ///< bytes; larger ones are dropped

  /// Calls `each` for every event that these bytes complete, until it answers false. False: it
  /// did.
  bool feed(std::string_view bytes, const std::function<bool(const server_event&)>& each);
  /// Events that were too large.
  std::size_t dropped() const noexcept { return dropped_; }

private:
  bool line(std::string_view text, const std::function<bool(const server_event&)>& each);

  std::string line_;
  server_event now_;
  bool any_data_ = false;
  bool too_large_ = false;
  bool after_cr_ = false;
  std::size_t dropped_ = 0;
};

} // namespace holt::client
