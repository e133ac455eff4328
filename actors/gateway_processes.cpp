// SPDX-License-Identifier: Apache-2.0

// Processes: made, asked, ended. Their logs and terminals: gateway_terminals.cpp.

#include "actors/gateway.hpp"
#include "actors/processes.hpp"
#include "shell/process_bounds.hpp"
#include "shell/process_fields.hpp"

#include <boost/asio/post.hpp>

namespace holt {

namespace {

using shell::live_process_ptr;
using shell::process_room;

using shell::bounds::kill_wait_ms;
constexpr auto longest_wait_ms = shell::bounds::wait_ms;

http::response document(const live_process_ptr& process) {
  return http::json_response(200, process->document());
}

bool known_owner(std::string_view owner) {
  return owner == "user" || owner == "desktop" || owner == "system";
}

} // namespace

http::response unknown_process(const std::string& id) {
  return http::problem({errc::not_found, "process " + id},
                       {{"details", {{"id", id}, {"resource", "process"}}}});
}

void gateway::in_process_room(const http::reply& answer,
                              std::function<void(process_room&)> work) const {
  if (!deps_.processes.send(processes_call{std::move(work)}))
    answer(http::problem({errc::busy, "processes are not served at the moment"}));
}

void gateway::with_process(gateway_call call,
                           std::function<void(gateway_call, live_process_ptr)> what) const {
  auto id = call.params.find("id")->second;
  auto reply = call.answer;
  in_process_room(reply, [id, call = std::move(call), what = std::move(what)](process_room& room) {
    auto process = room.find(id);
    if (!process)
      return call.answer(unknown_process(id));
    what(call, std::move(process));
  });
}

void gateway::add_process_routes() {
  get("/v1/processes/config", http::scope::exec, [this](const gateway_call& call) {
    in_process_room(call.answer, [answer = call.answer](process_room& room) {
      answer(http::json_response(200, to_json_document(room.limits())));
    });
  });
  post("/v1/processes/config", http::scope::exec, [this](const gateway_call& call) {
    auto body = body_object(call.request);
    auto limits = body ? shell::decode_limits(*body) : body.error();
    if (!limits)
      return call.answer(http::problem(limits.error()));
    in_process_room(call.answer, [answer = call.answer, now = *limits](process_room& room) {
      room.set_limits(now);
      answer(http::json_response(200, to_json_document(now)));
    });
  });
  post("/v1/processes/run", http::scope::exec,
       [this](const gateway_call& call) { run_process(call); });
  post("/v1/processes", http::scope::exec,
       [this](const gateway_call& call) { create_process(call); });
  get("/v1/processes", http::scope::exec,
      [this](const gateway_call& call) { list_processes(call); });
  get("/v1/processes/{id}", http::scope::exec, [this](const gateway_call& call) {
    with_process(call, [](const gateway_call& c, const live_process_ptr& process) {
      c.answer(document(process));
    });
  });
  add("DELETE", "/v1/processes/{id}",
      {http::scope::exec, false,
       [this](const gateway_call& call) {
         in_process_room(call.answer, [call](process_room& room) {
           const auto& id = call.params.find("id")->second;
           if (!room.find(id))
             return call.answer(unknown_process(id));
           answer_outcome(call.answer, room.remove(id));
         });
       },
       nullptr});
  add_process_ends();
  add_process_input();
}

void gateway::create_process(const gateway_call& call) const {
  auto body = body_object(call.request);
  auto what = body ? shell::decode_process(*body, *deps_.jail) : body.error();
  if (!what)
    return call.answer(http::problem(what.error()));
  in_process_room(call.answer,
                  [answer = call.answer, what = std::move(*what)](process_room& room) mutable {
                    room.create(std::move(what), [answer](const result<live_process_ptr>& got) {
                      answer(got ? document(*got) : http::problem(got.error()));
                    });
                  });
}

void gateway::run_process(const gateway_call& call) const {
  auto body = body_object(call.request);
  if (!body)
    return call.answer(http::problem(body.error()));
  in_process_room(call.answer, [answer = call.answer, body = std::move(*body),
                                jail = deps_.jail](process_room& room) {
    auto what = shell::decode_run(body, *jail, room.limits());
    if (!what)
      return answer(http::problem(what.error()));
    room.run(std::move(*what), [answer](const result<nlohmann::json>& got) {
      answer(got ? http::json_response(200, *got) : http::problem(got.error()));
    });
  });
}

void gateway::list_processes(const gateway_call& call) const {
  const auto owner = call.request.query_value("owner");
  if (owner && !known_owner(*owner))
    return call.answer(
      http::problem({errc::invalid_request, "owner must be one of: user, desktop, system"}));
  const auto tag = call.request.query_value("tag");
  in_process_room(call.answer, [answer = call.answer, owner = std::string{owner.value_or("")},
                                tag = std::string{tag.value_or("")}](process_room& room) {
    auto rows = nlohmann::json::array();
    for (const auto& one : room.list())
      if ((owner.empty() || one->asked().owner == owner) && (tag.empty() || one->has_tag(tag)))
        rows.push_back(one->document());
    answer(http::json_response(200, {{"processes", std::move(rows)}}));
  });
}

void gateway::add_process_ends() {
  post("/v1/processes/{id}/stop", http::scope::exec, [this](const gateway_call& call) {
    auto wait
      = shell::query_number(call.request.query_value("waitMs"), "waitMs", 0, longest_wait_ms);
    if (!wait)
      return call.answer(http::problem(wait.error()));
    with_process(call, [wait = *wait](const gateway_call& c, const live_process_ptr& process) {
      (void)process->signal(SIGTERM); // one that has ended is stopped
      process->wait(std::chrono::milliseconds{wait},
                    [answer = c.answer, process] { answer(document(process)); });
    });
  });
  post("/v1/processes/{id}/kill", http::scope::exec, [this](const gateway_call& call) {
    auto wait = shell::query_number(call.request.query_value("waitMs"), "waitMs", kill_wait_ms,
                                    longest_wait_ms);
    if (!wait)
      return call.answer(http::problem(wait.error()));
    with_process(call, [wait = *wait](const gateway_call& c, const live_process_ptr& process) {
      process->kill(std::chrono::milliseconds{wait},
                    [answer = c.answer, process] { answer(document(process)); });
    });
  });
  post("/v1/processes/{id}/signal", http::scope::exec, [this](const gateway_call& call) {
    auto body = own_body(call.request, {"signal"});
    auto number = body ? shell::decode_signal(*body) : body.error();
    if (!number)
      return call.answer(http::problem(number.error()));
    with_process(call, [number = *number](const gateway_call& c, const live_process_ptr& process) {
      auto sent = process->signal(number);
      c.answer(sent ? document(process) : http::problem(sent.error()));
    });
  });
}

void gateway::add_process_input() {
  post("/v1/processes/{id}/input", http::scope::exec, [this](const gateway_call& call) {
    auto body = body_object(call.request);
    if (!body)
      return call.answer(http::problem(body.error()));
    in_process_room(call.answer, [call, body = std::move(*body)](process_room& room) {
      const auto& id = call.params.find("id")->second;
      auto process = room.find(id);
      if (!process)
        return call.answer(unknown_process(id));
      auto bytes = shell::decode_input(body, "base64", room.limits().max_input_bytes);
      if (!bytes)
        return call.answer(http::problem(bytes.error()));
      const auto size = bytes->size();
      auto written = process->write(std::move(*bytes));
      call.answer(written ? http::json_response(200, {{"bytesWritten", size}})
                          : http::problem(written.error()));
    });
  });
  post("/v1/processes/{id}/input/close", http::scope::exec, [this](const gateway_call& call) {
    with_process(call, [](const gateway_call& c, const live_process_ptr& process) {
      answer_outcome(c.answer, process->close_input());
    });
  });
  post("/v1/processes/{id}/terminal/resize", http::scope::exec, [this](const gateway_call& call) {
    auto body = body_object(call.request);
    auto size = body ? shell::decode_size(*body) : body.error();
    if (!size)
      return call.answer(http::problem(size.error()));
    with_process(call, [size = *size](const gateway_call& c, const live_process_ptr& process) {
      auto done = process->resize(size.columns, size.rows);
      c.answer(done ? http::json_response(200, {{"cols", size.columns}, {"rows", size.rows}})
                    : http::problem(done.error()));
    });
  });
}

} // namespace holt
