// SPDX-License-Identifier: Apache-2.0

// Mouse and keyboard. Fields as the clients of npm sandbox-agent 0.4.2 know them
// (reference/http-api.md); ours are added beside them.

#include "actors/act_fields.hpp"
#include "actors/act_json.hpp"
#include "actors/act_limits.hpp"
#include "actors/gateway.hpp"
#include "actors/query_fields.hpp"
#include "desktop/workbench.hpp"

#include <nlohmann/json.hpp>

namespace holt {

namespace {

using nlohmann::json;
using std::chrono::milliseconds;

using act_limits::default_effect_ms;

/// How long an effect is looked for where it is; the query goes before the field.
result<int> read_effect_ms(const http::request& request, const json& body) {
  auto limit = query_number(request, "effectMs", 1, act_limits::effect_ms);
  if (!limit)
    return limit.error();
  if (*limit)
    return **limit;
  if (!body.contains("effectMs") || body["effectMs"].is_null())
    return default_effect_ms;
  return act_fields::read_number(body, "effectMs", 1, act_limits::effect_ms);
}

/// How long to look for an effect; 0: not at all.
result<milliseconds> read_effect(const http::request& request, const json& body) {
  const auto limit = read_effect_ms(request, body);
  if (!limit)
    return limit.error();
  std::string word{"none"};
  if (auto i = body.find("effect"); i != body.end() && !i->is_null()) {
    if (!i->is_string())
      return error{errc::unprocessable, "effect must be a string"};
    word = i->get<std::string>();
  }
  if (auto wanted = request.query_value("effect"))
    word = *wanted;
  if (word == "none")
    return milliseconds{0};
  if (word != "wait")
    return error{errc::invalid_request, "effect must be wait or none"};
  return milliseconds{*limit};
}

void put_place(json& out, const desktop::pointer_place& where) {
  out["x"] = where.x;
  out["y"] = where.y;
  out["screen"] = 0;
  out["window"] = std::to_string(where.window);
}

void put_effect(json& out, desktop::act_effect effect) {
  if (effect == desktop::act_effect::confirmed)
    out["effect"] = "confirmed";
  else if (effect == desktop::act_effect::no_visible_change)
    out["effect"] = "no_visible_change";
}

/// One entry of the feed an act that was begun.
void tell(const actor_ref<activity_actor>& activity, const std::string& who,
          const std::vector<json>& acts, const std::vector<desktop::act_outcome>& outcomes) {
  activity_append_all what;
  what.kind = "act";
  for (std::size_t i = 0; i < outcomes.size() && i < acts.size(); ++i) {
    auto data = acts[i];
    data["name"] = who;
    if (!outcomes[i].where)
      data["error"] = outcomes[i].where.error().word();
    put_effect(data, outcomes[i].effect);
    what.data.push_back(std::move(data));
  }
  activity.send(std::move(what));
}

using outcomes_handler
  = std::function<void(const control::caller&, const std::vector<desktop::act_outcome>&)>;

/// Checks who drives, does the acts, tells the feed.
void perform(const gateway_deps& deps, const gateway_call& call, std::vector<desktop::act> acts,
             milliseconds effect, outcomes_handler done) {
  auto actor = actor_of(deps, call);
  if (!actor)
    return;
  desktop::act_order order;
  std::vector<json> told;
  for (const auto& act : acts)
    told.push_back(describe_act(act));
  order.acts = std::move(acts);
  order.effect_wait = effect;
  order.allowed = [gate = deps.gate, actor = *actor] { return gate->may_act(actor); };
  order.done = [activity = deps.activity, actor = *actor, told = std::move(told),
                done = std::move(done)](const std::vector<desktop::act_outcome>& outcomes) {
    tell(activity, actor.name, told, outcomes);
    done(actor, outcomes);
  };
  auto shared = std::make_shared<desktop::act_order>(std::move(order));
  deps.door->post([shared](const result<desktop::workbench*>& bench) {
    if (bench)
      (*bench)->acts().add(std::move(*shared));
    else
      shared->done({{bench.error(), desktop::act_effect::not_asked}});
  });
}

/// A route that does one act; `place`: it answers where the pointer is.
void do_one(const gateway_deps& deps, const gateway_call& call, const char* kind, bool place) {
  auto body = body_object(call.request);
  if (!body)
    return call.answer(http::problem(body.error()));
  auto act = read_act(kind, *body);
  if (!act)
    return call.answer(http::problem(act.error()));
  auto effect = read_effect(call.request, *body);
  if (!effect)
    return call.answer(http::problem(effect.error()));
  std::vector<desktop::act> acts;
  acts.push_back(std::move(*act));
  perform(deps, call, std::move(acts), *effect,
          [gate = deps.gate, answer = with_epoch(deps.gate, call.answer),
           place](const control::caller& who, const std::vector<desktop::act_outcome>& got) {
            const auto& one = got.front();
            if (!one.where)
              return answer(control_problem(gate, who, one.where.error()));
            json out = json::object();
            if (place)
              put_place(out, *one.where);
            else
              out["ok"] = true;
            put_effect(out, one.effect);
            answer(http::json_response(200, out));
          });
}

json error_entry(const error& why) {
  json out{{"error", {{"code", why.word()}, {"detail", why.detail}}}};
  if (why.code == errc::control_held)
    out["effect"] = "refused";
  return out;
}

void do_several(const gateway_deps& deps, const gateway_call& call) {
  auto body = own_body(call.request, {"actions", "effect", "effectMs"});
  if (!body)
    return call.answer(http::problem(body.error()));
  auto acts = read_acts(*body);
  if (!acts)
    return call.answer(http::problem(acts.error()));
  auto effect = read_effect(call.request, *body);
  if (!effect)
    return call.answer(http::problem(effect.error()));
  auto count = acts->size();
  perform(deps, call, std::move(*acts), *effect,
          [gate = deps.gate, answer = with_epoch(deps.gate, call.answer),
           count](const control::caller& who, const std::vector<desktop::act_outcome>& got) {
            // Nothing was done: that is the answer. Else what was done, and where it ended.
            if (!got.front().where)
              return answer(control_problem(gate, who, got.front().where.error()));
            json results = json::array();
            for (const auto& one : got) {
              json entry = json::object();
              if (!one.where) {
                entry = error_entry(one.where.error());
              } else {
                put_place(entry, *one.where);
                put_effect(entry, one.effect);
              }
              results.push_back(std::move(entry));
            }
            bool whole = got.size() == count && got.back().where.has_value();
            answer(http::json_response(200, {{"results", results}, {"completed", whole}}));
          });
}

} // namespace

void gateway::add_input_routes() {
  using http::scope;
  deps_.gate->on_closed([door = deps_.door] {
    door->post([](const result<desktop::workbench*>& bench) {
      if (bench)
        (*bench)->acts().release_all();
    });
  });
  get("/v1/desktop/mouse/position", scope::view, [this](const gateway_call& call) {
    deps_.door->post([answer = call.answer](const result<desktop::workbench*>& bench) {
      auto where
        = bench ? (*bench)->tops().pointer() : result<desktop::pointer_place>{bench.error()};
      if (!where)
        return answer(http::problem(where.error()));
      json out = json::object();
      put_place(out, *where);
      answer(http::json_response(200, out));
    });
  });
  auto add_act = [this](std::string_view pattern, const char* kind, bool place) {
    post(pattern, scope::input,
         [this, kind, place](const gateway_call& call) { do_one(deps_, call, kind, place); });
  };
  add_act("/v1/desktop/mouse/move", "move", true);
  add_act("/v1/desktop/mouse/click", "click", true);
  add_act("/v1/desktop/mouse/down", "down", true);
  add_act("/v1/desktop/mouse/up", "up", true);
  add_act("/v1/desktop/mouse/drag", "drag", true);
  add_act("/v1/desktop/mouse/scroll", "scroll", true);
  add_act("/v1/desktop/keyboard/type", "type", false);
  add_act("/v1/desktop/keyboard/press", "press", false);
  add_act("/v1/desktop/keyboard/down", "key_down", false);
  add_act("/v1/desktop/keyboard/up", "key_up", false);
  post("/v1/desktop/actions", scope::input,
       [this](const gateway_call& call) { do_several(deps_, call); });
}

} // namespace holt
