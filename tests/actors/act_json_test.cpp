// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE act_json

#include "actors/act_json.hpp"
#include "actors/control_gate.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;
using nlohmann::json;

namespace {

/// The refusal of these fields, which must name `field`.
errc refusal(const char* kind, const json& fields, const char* field) {
  auto act = read_act(kind, fields);
  CAF_REQUIRE(!act);
  CAF_CHECK(act.error().detail.find(field) != std::string::npos);
  return act.error().code;
}

} // namespace

CAF_TEST(fields of the published client are understood and others ignored) {
  auto click = read_act("click", {{"x", 3}, {"y", 4}, {"button", "right"}, {"foo", 1}});
  CAF_REQUIRE(click);
  auto value = std::get<desktop::click_act>(*click);
  CAF_CHECK_EQUAL(value.at.x, 3);
  CAF_CHECK_EQUAL(value.button, 3u);
  CAF_CHECK_EQUAL(value.count, 1u);
  CAF_CHECK(read_act("up", json::object()));
  CAF_CHECK(read_act("scroll", {{"x", 0}, {"y", 0}, {"deltaX", -1}}));
  CAF_CHECK(read_act("press", {{"key", "a"}, {"modifiers", {{"ctrl", true}, {"shift", nullptr}}}}));
  CAF_CHECK(read_act("type", {{"text", "a"}, {"delayMs", nullptr}}));
}

CAF_TEST(a refusal names its field) {
  CAF_CHECK(refusal("move", {{"x", 1}}, "y") == errc::unprocessable);
  CAF_CHECK(refusal("move", {{"x", 1.5}, {"y", 1}}, "x") == errc::unprocessable);
  CAF_CHECK(refusal("move", {{"x", "1"}, {"y", 1}}, "x") == errc::unprocessable);
  CAF_CHECK(refusal("move", {{"x", -1}, {"y", 1}}, "x") == errc::desktop_invalid_action);
  CAF_CHECK(refusal("move", {{"x", 18446744073709551615u}, {"y", 1}}, "x")
            == errc::desktop_invalid_action);
  CAF_CHECK(refusal("click", {{"x", 1}, {"y", 1}, {"clickCount", 0}}, "clickCount")
            == errc::desktop_invalid_action);
  CAF_CHECK(refusal("down", {{"x", 1}}, "y") == errc::desktop_invalid_action);
  CAF_CHECK(refusal("drag", {{"startX", 1}, {"startY", 1}, {"endX", 1}}, "endY")
            == errc::unprocessable);
  CAF_CHECK(refusal("drag", {{"path", json::array()}}, "path") == errc::desktop_invalid_action);
  CAF_CHECK(refusal("type", {{"text", ""}}, "text") == errc::desktop_invalid_action);
  CAF_CHECK(refusal("press", {{"key", "Nope"}}, "Nope") == errc::desktop_invalid_action);
  CAF_CHECK(refusal("fly", json::object(), "type") == errc::unprocessable);
}

CAF_TEST(one wrong act refuses all of them) {
  json good{{"type", "move"}, {"x", 1}, {"y", 1}};
  json bad{{"type", "move"}, {"x", 1}};
  auto acts = read_acts({{"actions", {good, bad}}});
  CAF_REQUIRE(!acts);
  CAF_CHECK(acts.error().detail.rfind("actions[1].y", 0) == 0);
  CAF_CHECK_EQUAL(read_acts({{"actions", {good, good}}})->size(), 2u);
  CAF_CHECK(!read_acts(json::object()));
  CAF_CHECK(!read_acts({{"actions", json::array()}}));
  CAF_CHECK(!read_acts({{"actions", std::vector<json>(101, good)}}));
}

CAF_TEST(what was typed is not told) {
  auto told = describe_act(*read_act("type", {{"text", "secret"}}));
  CAF_CHECK_EQUAL(told["characters"].get<int>(), 6);
  CAF_CHECK(told.dump().find("secret") == std::string::npos);
}

CAF_TEST(the gate tells once when it closes) {
  control_gate gate;
  int closed = 0;
  gate.on_closed([&] { ++closed; });
  const control::caller agent;
  gate.set({});
  CAF_CHECK(gate.may_act(agent));
  control::standing taken;
  taken.epoch = taken.agent_epoch = 4;
  taken.taken = true;
  taken.taken_by = "Ada";
  gate.set(taken);
  gate.set(taken);
  CAF_CHECK_EQUAL(closed, 1);
  CAF_REQUIRE(!gate.may_act(agent));
  CAF_CHECK(gate.may_act(agent).error().detail.find("Ada") == 0);
  gate.set({});
  CAF_CHECK(gate.may_act(agent));
}
