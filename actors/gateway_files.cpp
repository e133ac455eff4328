// SPDX-License-Identifier: Apache-2.0

// Routes whose bodies no memory holds, and of them the file routes: scope `fs`, work on the pool.

#include "actors/gateway.hpp"

#include <nlohmann/json.hpp>

namespace holt {

namespace {

/// What a route of this pattern does to files; null: nothing.
const char* change_of(std::string_view method, std::string_view pattern) {
  if (method == "PUT")
    return "write";
  if (method == "DELETE")
    return "delete";
  if (method != "POST")
    return nullptr;
  for (const auto* word : {"mkdir", "move", "copy", "chmod"})
    if (pattern.ends_with(word))
      return word;
  return pattern.ends_with("upload-batch") || pattern.ends_with("archive") ? "unpack" : nullptr;
}

/// For the feed, from what was answered: paths and counts, never contents.
nlohmann::json change_news(const char* change, const std::string& path,
                           const http::response& answered) {
  auto said = nlohmann::json::parse(answered.body ? *answered.body : std::string{}, nullptr, false);
  if (!said.is_object())
    said = nlohmann::json::object();
  nlohmann::json out{{"change", change}};
  if (!path.empty())
    out["path"] = files::printable(path);
  for (const auto* field :
       {"path", "from", "to", "created", "replaced", "changed", "failed", "entries", "bytes"})
    if (auto at = said.find(field); at != said.end())
      out[field] = std::move(*at);
  if (auto at = said.find("bytesWritten"); at != said.end())
    out["bytes"] = std::move(*at);
  return out;
}

} // namespace

void gateway::add_file_routes() {
  if (!deps_.files)
    return;
  for (const auto& one : file_routes()) {
    route what;
    what.needs = http::scope::fs;
    what.streaming = [files = deps_.files, activity = deps_.activity, &one](streaming_call call) {
      if (const auto* change = change_of(one.method, one.pattern))
        call.answer
          = [activity, change, path = std::string{call.request.query_value("path").value_or("")},
             name = call.who.name, answer = std::move(call.answer)](http::streaming_response got) {
              if (got.status < 300) {
                auto news = change_news(change, path, got);
                news["name"] = name;
                activity.send(activity_append{"file", std::move(news)});
              }
              answer(std::move(got));
            };
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
  if (call.who.session != 0)
    call.answer = [sockets = sockets_, who = call.who, answer = std::move(call.answer)](
                    http::streaming_response got) { answer(sockets->bind(std::move(got), who)); };
  routes_[found.match.index].streaming(std::move(call));
}

} // namespace holt
