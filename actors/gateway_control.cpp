// SPDX-License-Identifier: Apache-2.0

// Who drives, by HTTP: how it stands, take, give, release, pause, resume. What it means stands in
// docs/names.md, "Who drives"; the rules are control_logic's.

#include "actors/act_json.hpp"
#include "actors/gateway.hpp"
#include "actors/query_fields.hpp"
#include "transport/secret.hpp"

#include <charconv>

namespace holt {

namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr int max_wait_ms = 60'000;
constexpr std::size_t max_note_bytes = 1'000;
constexpr std::size_t max_name_bytes = 100;

result<std::uint64_t> read_epoch(std::string_view text, const char* what) {
  std::uint64_t value = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size())
    return error{errc::invalid_request, std::string{what} + " must be a number"};
  return value;
}

result<std::string> read_text(const json& body, const char* name, std::size_t limit) {
  auto i = body.find(name);
  if (i == body.end() || i->is_null())
    return std::string{};
  if (!i->is_string())
    return error{errc::unprocessable, std::string{name} + " must be a string"};
  auto text = i->get<std::string>();
  if (text.size() > limit)
    return error{errc::invalid_request,
                 std::string{name} + " takes at most " + std::to_string(limit) + " bytes"};
  return text;
}

result<control::viewer_id> read_viewer(const std::string& text, const char* name) {
  auto number = read_epoch(text, name);
  if (!number || text.empty())
    return error{errc::not_found, "there is no viewer '" + text + "'"};
  return control::viewer_id{*number};
}

json control_document(const control::state& now, const control::caller& who) {
  auto out = to_payload(now);
  out["mayAct"] = control::may_act(now.stands, who).has_value();
  out["viewers"] = json::array();
  for (const auto& [id, viewer] : now.viewers)
    out["viewers"].push_back({{"id", std::to_string(static_cast<std::uint64_t>(id))},
                              {"name", viewer.name},
                              {"canControl", viewer.may_drive}});
  return out;
}

/// Asks the arbiter; `more` joins the document.
void ask(const gateway_deps& deps, const gateway_call& call, control::event what,
         const control::caller& who, json more = json::object()) {
  deps.control.send(
    control_call{std::move(what), [gate = deps.gate, answer = call.answer, who,
                                   more = std::move(more)](const result<control::state>& now) {
                   if (!now)
                     return answer(control_problem(gate, who, now.error()));
                   auto out = control_document(*now, who);
                   out.update(more);
                   answer(http::json_response(200, out));
                 }});
}

void take(const gateway_deps& deps, const gateway_call& call, control::caller who) {
  auto body = own_body(call.request, {"viewer", "name"});
  auto viewer = body ? read_text(*body, "viewer", 20) : result<std::string>{body.error()};
  auto name = viewer ? read_text(*body, "name", max_name_bytes) : viewer;
  if (!name)
    return call.answer(http::problem(name.error()));
  control::call_take what;
  if (!viewer->empty()) {
    auto id = read_viewer(*viewer, "viewer");
    if (!id)
      return call.answer(http::problem(id.error()));
    what.viewer = *id;
  }
  if (!name->empty())
    who.name = *name;
  // Without a session there is nothing else by which its next calls would be known.
  auto more = json::object();
  if (!who.person && call.request.header_value("holt-lease").empty()) {
    auto lease = random_secret();
    who.key = "l:" + lease;
    more["lease"] = lease;
  }
  what.who = who;
  ask(deps, call, std::move(what), who, std::move(more));
}

void give(const gateway_deps& deps, const gateway_call& call, const control::caller& who) {
  auto body = own_body(call.request, {"to", "note"});
  auto to = body ? read_text(*body, "to", 20) : result<std::string>{body.error()};
  auto note = to ? read_text(*body, "note", max_note_bytes) : to;
  if (!note)
    return call.answer(http::problem(note.error()));
  control::call_give what{who, {}, *note};
  if (!to->empty() && *to != "agent") {
    auto id = read_viewer(*to, "to");
    if (!id)
      return call.answer(http::problem(id.error()));
    what.to = *id;
  }
  ask(deps, call, std::move(what), who);
}

void release(const gateway_deps& deps, const gateway_call& call, const control::caller& who) {
  auto body = own_body(call.request, {"note"});
  auto note = body ? read_text(*body, "note", max_note_bytes) : result<std::string>{body.error()};
  if (!note)
    return call.answer(http::problem(note.error()));
  deps.control.send(
    control_call{control::call_release{who, *note},
                 [gate = deps.gate, who, answer = call.answer](const result<control::state>& now) {
                   if (!now)
                     return answer(control_problem(gate, who, now.error()));
                   answer_outcome(answer, {});
                 }});
}

void look(const gateway_deps& deps, const gateway_call& call, const control::caller& who) {
  auto after = read_epoch(call.request.query_value("after").value_or("0"), "after");
  if (!after)
    return call.answer(http::problem(after.error()));
  auto wait = query_number(call.request, "waitMs", 0, max_wait_ms);
  if (!wait)
    return call.answer(http::problem(wait.error()));
  deps.control.send(control_query{[answer = call.answer, who](const control::state& now) {
                                    answer(http::json_response(200, control_document(now, who)));
                                  },
                                  *after, milliseconds{wait->value_or(0)}});
}

constexpr int max_trace_entries = 1'000;

void trace(const gateway_deps& deps, const gateway_call& call) {
  auto after = read_epoch(call.request.query_value("after").value_or("0"), "after");
  if (!after)
    return call.answer(http::problem(after.error()));
  auto limit = query_number(call.request, "limit", 1, max_trace_entries);
  if (!limit)
    return call.answer(http::problem(limit.error()));
  auto out = deps.hands->page(*after, static_cast<std::size_t>(limit->value_or(max_trace_entries)));
  out["epoch"] = deps.gate->now().epoch;
  call.answer(http::json_response(200, out));
}

} // namespace

std::string session_key(bool need_token, const http::request& head, const http::identity& who) {
  if (who.session != 0)
    return "s:" + std::to_string(who.session);
  // Where nobody signs in, a browser is told by what only browsers send.
  return !need_token && !head.header_value("sec-fetch-site").empty() ? "page" : "";
}

result<control::caller> caller_of(const gateway_deps& deps, const gateway_call& call) {
  control::caller out;
  out.key = session_key(deps.need_token, call.request, call.who);
  out.name = call.who.name;
  out.person = !out.key.empty();
  out.admin = call.who.may(http::scope::admin);
  if (auto lease = call.request.header_value("holt-lease"); !lease.empty())
    out.key = "l:" + std::string{lease};
  else if (out.key.empty())
    out.key = "t:" + call.who.name;
  if (auto text = call.request.header_value("holt-epoch"); !text.empty()) {
    auto epoch = read_epoch(text, "Holt-Epoch");
    if (!epoch)
      return epoch.error();
    out.epoch = *epoch;
  }
  return out;
}

std::optional<control::caller> actor_of(const gateway_deps& deps, const gateway_call& call) {
  auto who = caller_of(deps, call);
  if (!who) {
    call.answer(http::problem(who.error()));
    return {};
  }
  // What it knows is of now, unless it says so: an act that waits does not outlast a hand-over.
  auto dated = deps.gate->dated(std::move(*who));
  if (auto may = deps.gate->may_act(dated); !may) {
    call.answer(control_problem(deps.gate, dated, may.error()));
    return {};
  }
  return dated;
}

http::response control_problem(const control_gate_ptr& gate, const control::caller& who,
                               const error& why) {
  if (why.code != errc::control_held)
    return http::problem(why);
  auto now = gate->now();
  json more{{"epoch", now.epoch},
            {"agentEpoch", now.agent_epoch},
            {"holder", now.taken    ? now.taken_by
                       : now.paused ? now.paused_by
                                    : now.driver}};
  auto reason = control::refuses_act(now, who);
  if (reason == control::refusal::paused || reason == control::refusal::changed) {
    auto word = std::string{control::word(reason)};
    more["type"] = "urn:holt:error:" + word;
    more["title"] = reason == control::refusal::paused ? "Control Paused" : "Control Changed";
    more["code"] = word;
  }
  auto out = http::problem(why, more);
  out.headers.push_back({"Holt-Epoch", std::to_string(now.epoch)});
  return out;
}

http::reply with_epoch(const control_gate_ptr& gate, http::reply answer) {
  return [gate, answer = std::move(answer)](http::response what) {
    if (what.status < 400)
      what.headers.push_back({"Holt-Epoch", std::to_string(gate->now().epoch)});
    answer(std::move(what));
  };
}

void gateway::add_control_routes() {
  using http::scope;
  using handler = void (*)(const gateway_deps&, const gateway_call&, const control::caller&);
  auto known = [this](handler what) {
    return [this, what](const gateway_call& call) {
      auto who = caller_of(deps_, call);
      if (!who)
        return call.answer(http::problem(who.error()));
      what(deps_, call, *who);
    };
  };
  get("/v1/control", scope::view, known(look));
  get("/v1/control/trace", scope::input, [this](const gateway_call& call) { trace(deps_, call); });
  post("/v1/control/take", scope::input,
       known([](const gateway_deps& deps, const gateway_call& call, const control::caller& who) {
         take(deps, call, who);
       }));
  post("/v1/control/give", scope::input, known(give));
  post("/v1/control/release", scope::input, known(release));
  post("/v1/control/pause", scope::input,
       known([](const gateway_deps& deps, const gateway_call& call, const control::caller& who) {
         ask(deps, call, control::pause{who}, who);
       }));
  post("/v1/control/resume", scope::input,
       known([](const gateway_deps& deps, const gateway_call& call, const control::caller& who) {
         ask(deps, call, control::resume{who}, who);
       }));
}

} // namespace holt
