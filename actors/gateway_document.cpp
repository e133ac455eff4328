// SPDX-License-Identifier: Apache-2.0

// The description of the API: made from the routes that there are, once, when it is first asked
// for. It needs no credential: it holds nothing of this sandbox.

#include "actors/gateway.hpp"
#include "transport/json_guard.hpp"

namespace holt {

std::vector<api::route_facts> gateway::routes() const {
  std::vector<api::route_facts> out;
  for (const auto& one : routes_)
    out.push_back({one.method, one.pattern, one.needs, one.open, static_cast<bool>(one.websocket),
                   one.max_body_bytes != 0 ? one.max_body_bytes : deps_.max_body_bytes});
  return out;
}

void gateway::add_document_routes() {
  struct cache {
    std::once_flag once;
    std::shared_ptr<const std::string> text;
  };
  open_route("GET", "/openapi.json",
             [this, kept = std::make_shared<cache>()](const gateway_call& call) {
               std::call_once(kept->once, [&] {
                 kept->text = std::make_shared<const std::string>(
                   http::dump_safe(api::openapi(routes(), api::all_notes())));
               });
               http::response out;
               out.headers.push_back({"Content-Type", "application/json"});
               out.headers.push_back({"Cache-Control", "no-cache"});
               out.body = kept->text;
               call.answer(std::move(out));
             });
}

} // namespace holt
