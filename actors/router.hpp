// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which handler answers which path. Pure; filled once at start, read from any thread.

#include "messages/error.hpp"
#include "transport/http_types.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace holt {

enum class route_kind : std::uint8_t { http, websocket };

/// Where a request goes.
struct route_match {
  std::size_t index = 0; ///< of the route, in the order they were added
  std::map<std::string, std::string, std::less<>> params; ///< decoded, by name
};

struct route_miss {
  errc code = errc::not_found; ///< or method_not_allowed
  std::string allow;           ///< the methods that exist there, for the header Allow
};

class router {
public:
  /// `pattern` like `/v1/supervision/{id}/start`. `{name}` takes one segment.
  void add(std::string_view method, std::string_view pattern, route_kind kind);

  struct found {
    bool ok = false;
    route_match match;
    route_miss miss;
  };
  /// HEAD goes where GET goes. A literal segment goes before a `{name}`.
  found find(const http::request& head) const;

private:
  struct route {
    std::string method;
    std::vector<std::string> segments;
    std::size_t params; ///< of the segments
    route_kind kind;
  };
  std::vector<route> routes_;
};

} // namespace holt
