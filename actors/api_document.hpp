// SPDX-License-Identifier: Apache-2.0
#pragma once

// The OpenAPI 3.1 document: the routes that the gateway has, joined with their notes. Pure.

#include "actors/api_notes.hpp"
#include "transport/auth.hpp"

namespace holt::api {

/// A route as it was registered.
struct route_facts {
  std::string method;
  std::string pattern;
  http::scopes needs; ///< all of these
  bool open = false;  ///< no credential needed
  bool websocket = false;
  std::uint64_t max_body_bytes = 0; ///< 0: it takes none worth naming
};

nlohmann::json openapi(const std::vector<route_facts>& routes, const notes& about);

/// What does not fit: routes without a note, notes without a route, as `GET /path`.
std::vector<std::string> misfits(const std::vector<route_facts>& routes, const notes& about);

} // namespace holt::api
