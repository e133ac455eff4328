// SPDX-License-Identifier: Apache-2.0

// Recordings of the desktop: start, stop, list, download, delete. Fields as the clients of npm
// sandbox-agent 0.4.2 know them; ours are added beside them.

#include "actors/act_limits.hpp"
#include "actors/gateway.hpp"
#include "actors/recorder.hpp"
#include "transport/conditional.hpp"

namespace holt {

namespace {

using nlohmann::json;

constexpr unsigned most_fps = act_limits::recording_fps;

http::response recording_problem(const error& why, const std::string& id) {
  if (why.code == errc::not_found)
    return http::problem(why, {{"details", {{"id", id}, {"resource", "desktop_recording"}}}});
  return http::problem(why);
}

recorder::answer<json> show(const http::reply& answer, const std::string& id = {}) {
  return [answer, id](const result<json>& got) {
    answer(got ? http::json_response(200, *got) : recording_problem(got.error(), id));
  };
}

result<recording_wish> read_wish(const json& body) {
  recording_wish out;
  if (auto at = body.find("fps"); at != body.end() && !at->is_null()) {
    if (!at->is_number_integer())
      return error{errc::unprocessable, "fps must be a whole number"};
    const bool fits = at->is_number_unsigned() && at->get<std::uint64_t>() >= 1
                      && at->get<std::uint64_t>() <= most_fps;
    if (!fits)
      return error{errc::desktop_invalid_action,
                   "fps must be from 1 to " + std::to_string(most_fps)};
    out.fps = at->get<unsigned>();
  }
  if (auto at = body.find("sound"); at != body.end() && !at->is_null()) {
    if (!at->is_boolean())
      return error{errc::unprocessable, "sound must be true or false"};
    out.sound = at->get<bool>();
  }
  return out;
}

http::streaming_response video(const http::request& what, recording_file from,
                               const boost::asio::any_io_executor& blocking) {
  http::byte_range picked;
  http::streaming_response out = http::file_response(what, from.etag, from.size, picked);
  if (out.status >= 300)
    return out;
  out.headers.push_back({"Content-Type", "video/mp4"});
  out.headers.push_back({"Content-Disposition", "attachment; filename=\"" + from.name + "\""});
  out.file.emplace();
  out.file->fd = from.fd;
  out.file->owner = std::move(from.owner);
  out.file->offset = picked.first;
  out.file->length = picked.length;
  out.file->blocking = blocking;
  return out;
}

std::string id_of(const std::map<std::string, std::string, std::less<>>& params) {
  return params.find("id")->second;
}

} // namespace

void gateway::add_recording_routes() {
  using http::scope;
  const auto recordings = deps_.recordings;
  post("/v1/desktop/recording/start", scope::input, [recordings](const gateway_call& call) {
    auto body = body_object(call.request);
    auto wish = body ? read_wish(*body) : result<recording_wish>{body.error()};
    if (!wish)
      return call.answer(http::problem(wish.error()));
    wish->who = call.who.name;
    recordings->start(std::move(*wish), show(call.answer));
  });
  post("/v1/desktop/recording/stop", scope::input,
       [recordings](const gateway_call& call) { recordings->stop(show(call.answer)); });
  get("/v1/desktop/recordings", scope::view,
      [recordings](const gateway_call& call) { recordings->list(show(call.answer)); });
  get("/v1/desktop/recordings/{id}", scope::view, [recordings](const gateway_call& call) {
    const auto id = id_of(call.params);
    recordings->find(id, show(call.answer, id));
  });
  route remove{scope::input, false, nullptr, nullptr};
  remove.http = [recordings](const gateway_call& call) {
    const auto id = id_of(call.params);
    recordings->remove(id, call.who.name, [answer = call.answer, id](const result<void>& got) {
      if (!got)
        return answer(recording_problem(got.error(), id));
      answer_outcome(answer, got);
    });
  };
  add("DELETE", "/v1/desktop/recordings/{id}", std::move(remove));
  route download{scope::view, false, nullptr, nullptr};
  download.streaming = [recordings, blocking = deps_.blocking](const streaming_call& call) {
    const auto id = id_of(call.params);
    recordings->open_file(
      id, [request = call.request, answer = call.answer, id, blocking](result<recording_file> got) {
        if (!got)
          return answer(recording_problem(got.error(), id));
        answer(video(request, std::move(*got), blocking));
      });
  };
  add("GET", "/v1/desktop/recordings/{id}/download", std::move(download));
}

} // namespace holt
