// SPDX-License-Identifier: Apache-2.0

// Routes whose bodies no memory holds, and of them the file routes: scope `fs`, work on the pool.

#include "actors/gateway.hpp"

namespace holt {

void gateway::add_file_routes() {
  if (!deps_.files)
    return;
  for (const auto& one : file_routes()) {
    route what;
    what.needs = http::scope::fs;
    what.streaming = [files = deps_.files, &one](streaming_call call) {
      file_request request;
      static_cast<http::request&>(request) = std::move(call.request);
      request.sink = std::move(call.sink);
      run_file_route(files, one, std::move(request), std::move(call.answer));
    };
    if (one.sink != nullptr) {
      what.sink
        = [files = deps_.files, &one](const http::request& head) { return one.sink(files, head); };
      what.max_body_bytes = deps_.files->files.limits.max_write;
    }
    add(one.method, one.pattern, std::move(what));
  }
}

bool gateway::streams(const http::request& head) {
  if (is_realtime(head))
    return false;
  auto found = router_.find(head);
  return found.ok && routes_[found.match.index].streaming;
}

std::shared_ptr<http::body_sink> gateway::open_body(const http::request& head) {
  if (is_realtime(head))
    return nullptr;
  auto found = router_.find(head);
  if (!found.ok || !routes_[found.match.index].sink)
    return nullptr;
  return routes_[found.match.index].sink(head);
}

/// As handle(): admit() let it in, but what was true before a long body may not be any more.
void gateway::handle_streaming(http::request what, std::shared_ptr<http::body_sink> sink,
                               http::streaming_reply answer) {
  auto found = router_.find(what);
  auto who = identify(what, false);
  if (!found.ok || !who)
    return answer(http::problem(found.ok ? who.error() : error{errc::not_found, ""}));
  streaming_call call{std::move(what), std::move(found.match.params), std::move(*who),
                      std::move(sink), std::move(answer)};
  routes_[found.match.index].streaming(std::move(call));
}

} // namespace holt
