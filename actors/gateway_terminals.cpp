// SPDX-License-Identifier: Apache-2.0

// What processes printed, and their terminals.

#include "actors/gateway.hpp"
#include "actors/processes.hpp"
#include "shell/log_document.hpp"
#include "shell/log_follower.hpp"
#include "shell/process_fields.hpp"
#include "shell/terminal_viewer.hpp"

#include <boost/asio/post.hpp>

namespace holt {

namespace {

using shell::live_process_ptr;
using shell::process_room;

http::response log_response(const live_process_ptr& process, const shell::log_query& what) {
  http::response out;
  out.headers.push_back({"Content-Type", "application/json"});
  out.body = std::make_shared<const std::string>(shell::log_document(*process, what));
  return out;
}

http::streaming_response followed(std::shared_ptr<http::body_source> events) {
  http::streaming_response out;
  out.headers.push_back({"Content-Type", "text/event-stream"});
  out.headers.push_back({"X-Accel-Buffering", "no"});
  out.stream = std::move(events);
  return out;
}

bool flag(const http::request& request, std::string_view name) {
  auto value = request.query_value(name);
  return value && (value->empty() || *value == "1" || *value == "true");
}

/// The same, but no other word will do.
result<bool> strict_flag(const http::request& request, const char* name) {
  const auto value = request.query_value(name);
  if (value && !value->empty() && *value != "1" && *value != "true" && *value != "0"
      && *value != "false")
    return error{errc::invalid_request, std::string{name} + " must be true or false"};
  return flag(request, name);
}

} // namespace

void gateway::add_terminal_routes() {
  route logs;
  logs.needs = http::scope::exec;
  logs.streaming = [this](const streaming_call& call) { show_log(call); };
  add("GET", "/v1/processes/{id}/logs", std::move(logs));
  websocket("/v1/processes/{id}/terminal/ws", http::scope::exec,
            [this](const http::upgrade_ptr& what, const http::identity&) { open_terminal(what); });
}

void gateway::show_log(const streaming_call& call) const {
  auto query = shell::decode_log_query(call.request);
  if (!query)
    return call.answer(http::problem(query.error()));
  const auto wants = strict_flag(call.request, "follow");
  const auto lossless = wants ? strict_flag(call.request, "lossless") : wants;
  if (!lossless)
    return call.answer(http::problem(lossless.error()));
  const bool follow = *wants && call.request.method != "HEAD";
  auto refuse = [answer = call.answer](http::response why) { answer(std::move(why)); };
  in_process_room(refuse, [answer = call.answer, id = call.params.find("id")->second,
                           query = *query, follow, lossless = *lossless, executor = deps_.executor,
                           pool = deps_.blocking](process_room& room) {
    auto process = room.find(id);
    if (!process)
      return answer(unknown_process(id));
    if (follow)
      return answer(
        followed(shell::make_log_follower(std::move(process), query, lossless, executor)));
    // Off this thread: ten megabytes of base64 take their time.
    boost::asio::post(pool, [answer, process, query] { answer(log_response(process, query)); });
  });
}

void gateway::open_terminal(const http::upgrade_ptr& what) const {
  auto path = what->head().segments(); // v1 processes {id} terminal ws: the router saw to it
  auto id = (*path)[2];
  const auto offset = what->head().query_value("offset");
  auto from = shell::query_number(offset, "offset", 0, ~0ull);
  if (!from)
    return what->refuse(http::problem(from.error()));
  shell::viewer_options how;
  if (offset)
    how.offset = *from;
  how.live_only = what->head().query_value("replay") == "0";
  how.extended = offset || flag(what->head(), "events");
  auto refuse = [what](http::response why) { what->refuse(std::move(why)); };
  in_process_room(refuse, [what, id, how, executor = deps_.executor](process_room& room) mutable {
    auto process = room.find(id);
    if (!process)
      return what->refuse(unknown_process(id));
    if (!process->terminal())
      return what->refuse(http::problem({errc::conflict, "the process has no terminal"}));
    how.max_input = room.limits().max_input_bytes;
    shell::open_terminal_viewer(what, std::move(process), how, executor);
  });
}

} // namespace holt
