// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE control_logic

#include "actors/control_logic.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <random>

using namespace holt;
using namespace holt::control;

namespace {

constexpr auto ann = viewer_id{1};
constexpr auto ben = viewer_id{2};
constexpr auto eve = viewer_id{3};

/// What the effects say, one word each.
std::string say(const std::vector<effect>& effects) {
  std::string out;
  auto add = [&](const std::string& word) { out += (out.empty() ? "" : " ") + word; };
  for (const auto& one : effects)
    std::visit(
      [&](const auto& x) {
        using type = std::decay_t<decltype(x)>;
        if constexpr (std::is_same_v<type, grant_host>)
          add("grant:" + x.session);
        else if constexpr (std::is_same_v<type, reset_host>)
          add("reset");
        else if constexpr (std::is_same_v<type, announce>)
          add("announce");
        else if constexpr (std::is_same_v<type, show>)
          add("show");
        else if constexpr (std::is_same_v<type, ask_driver>)
          add("ask:" + x.asker_name);
        else
          add(std::is_same_v<type, refuse> ? "refuse:" + std::string{x.why.word()}
                                           : "no:" + std::string{x.why.word()});
      },
      one);
  return out;
}

struct fixture {
  state now;
  fixture() {
    step(now, joined{ann, {"Ann", "s-ann", true, false, "s:1"}});
    step(now, joined{ben, {"Ben", "s-ben", true, true, "s:2"}});
    step(now, joined{eve, {"Eve", "s-eve", false, false, "s:3"}});
  }
  std::string tell(const event& what) { return say(step(now, what)); }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(control_tests, fixture)

CAF_TEST(a free seat is given at once) {
  CAF_CHECK_EQUAL(tell(request{ann}), "grant:s-ann announce");
  CAF_CHECK_EQUAL(driver_name(now), "Ann");
  CAF_CHECK_EQUAL(kind(now), "person");
}

CAF_TEST(the driver is asked and the asker follows when it lets go) {
  tell(request{ann});
  CAF_CHECK_EQUAL(tell(request{ben}), "ask:Ben");
  CAF_CHECK_EQUAL(driver_name(now), "Ann");
  CAF_CHECK_EQUAL(tell(release{ann}), "grant:s-ben announce");
}

CAF_TEST(asking twice queues once) {
  tell(request{ann});
  tell(request{ben});
  tell(request{ben});
  CAF_CHECK_EQUAL(now.asking.size(), 1u);
}

CAF_TEST(who may only watch is refused) {
  CAF_CHECK_EQUAL(tell(request{eve}), "refuse:forbidden");
  CAF_CHECK_EQUAL(tell(take{eve}), "refuse:forbidden");
  CAF_CHECK_EQUAL(kind(now), "none");
}

CAF_TEST(a request does not hold off the API but a take does) {
  tell(request{ann});
  CAF_CHECK(may_act(now.stands, caller{}).has_value());
  CAF_CHECK_EQUAL(tell(take{ann}), "grant:s-ann announce");
  CAF_CHECK(may_act(now.stands, caller{}).error().code == errc::control_held);
  tell(release{ann});
  CAF_CHECK(may_act(now.stands, caller{}).has_value());
}

CAF_TEST(only an administrator takes from another) {
  tell(request{ben});
  CAF_CHECK_EQUAL(tell(take{ann}), "refuse:forbidden");
  tell(give{ben, ann});
  CAF_CHECK_EQUAL(driver_name(now), "Ann");
  CAF_CHECK_EQUAL(tell(take{ben}), "grant:s-ben announce");
}

CAF_TEST(a clean close hands back what was taken) {
  tell(take{ann});
  CAF_CHECK_EQUAL(tell(left{ann, true}), "reset announce");
  CAF_CHECK(may_act(now.stands, caller{}).has_value());
}

CAF_TEST(an abnormal drop keeps the API held off until somebody lets go) {
  tell(take{ann});
  CAF_CHECK_EQUAL(tell(left{ann, false}), "reset announce");
  CAF_CHECK(may_act(now.stands, caller{}).error().code == errc::control_held);
  CAF_CHECK_EQUAL(driver_name(now), "Ann");
  CAF_CHECK_EQUAL(tell(release{ben}), "announce");
  CAF_CHECK(may_act(now.stands, caller{}).has_value());
}

CAF_TEST(giving needs the seat and a viewer that may drive) {
  CAF_CHECK_EQUAL(tell(give{ann, ben}), "refuse:conflict");
  tell(request{ann});
  CAF_CHECK_EQUAL(tell(give{ann, eve}), "refuse:not_found");
  CAF_CHECK_EQUAL(tell(give{ann, viewer_id{99}}), "refuse:not_found");
  CAF_CHECK_EQUAL(tell(give{ann, ben}), "grant:s-ben announce");
}

CAF_TEST(an engine restart frees the seat) {
  tell(request{ann});
  CAF_CHECK_EQUAL(tell(engine_restarted{}), "announce");
  CAF_CHECK(!now.driver);
}

CAF_TEST(a refused grant frees the seat and tells the viewer) {
  tell(request{ann});
  CAF_CHECK_EQUAL(tell(grant_failed{ann, "gone"}), "refuse:conflict reset announce");
}

namespace {

caller person(const char* key) {
  caller out;
  out.key = key;
  out.person = true;
  return out;
}

caller agent(std::optional<std::uint64_t> epoch = {}) {
  caller out;
  out.key = "t:";
  out.epoch = epoch;
  return out;
}

} // namespace

CAF_TEST(a call takes control for a viewer of its own session) {
  CAF_CHECK_EQUAL(tell(call_take{person("s:2"), ann}), "no:forbidden");
  CAF_CHECK_EQUAL(tell(call_take{person("s:3"), eve}), "no:forbidden");
  CAF_CHECK_EQUAL(tell(call_take{person("s:1"), viewer_id{9}}), "no:not_found");
  CAF_CHECK_EQUAL(tell(call_take{person("s:1"), ann}), "grant:s-ann announce");
  CAF_CHECK_EQUAL(now.stands.taken_by, "Ann");
  CAF_CHECK(may_act(now.stands, person("s:1")).has_value());
  CAF_CHECK(may_act(now.stands, person("s:2")).error().code == errc::control_held);
  CAF_CHECK(may_act(now.stands, agent()).error().code == errc::control_held);
}

CAF_TEST(a call without a viewer holds off everybody else) {
  CAF_CHECK_EQUAL(tell(call_take{person("s:7"), {}}), "announce");
  CAF_CHECK_EQUAL(kind(now), "person");
  CAF_CHECK_EQUAL(tell(call_take{person("s:8"), {}}), "no:forbidden");
  CAF_CHECK_EQUAL(tell(call_release{person("s:8"), ""}), "no:conflict");
  CAF_CHECK_EQUAL(tell(call_release{person("s:7"), "your turn"}), "reset announce");
  CAF_CHECK_EQUAL(now.note, "your turn");
  CAF_CHECK(may_act(now.stands, agent()).has_value());
}

CAF_TEST(what an agent knew before a take is void after it) {
  tell(request{ann});
  auto seen = now.stands.epoch;
  CAF_CHECK(may_act(now.stands, agent(seen)).has_value());
  tell(take{ann});
  CAF_CHECK(may_look(now.stands, agent(seen)).error().code == errc::control_held);
  CAF_CHECK(may_look(now.stands, agent(now.stands.epoch)).has_value());
  tell(release{ann});
  CAF_CHECK(refuses_act(now.stands, agent(seen)) == refusal::changed);
  CAF_CHECK(refuses_look(now.stands, agent(seen)) == refusal::changed);
  CAF_CHECK(may_act(now.stands, agent(now.stands.epoch)).has_value());
  CAF_CHECK(refuses_act(now.stands, agent(now.stands.epoch + 1)) == refusal::changed);
}

CAF_TEST(side by side the agent goes on when another viewer drives) {
  auto seen = now.stands.epoch;
  tell(request{ann});
  tell(request{ben});
  tell(release{ann});
  CAF_CHECK(may_act(now.stands, agent(seen)).has_value());
}

CAF_TEST(a paused agent waits until a person lets it go on) {
  auto who = person("s:1");
  CAF_CHECK_EQUAL(tell(control::pause{who}), "announce");
  CAF_CHECK_EQUAL(tell(control::pause{who}), "");
  CAF_CHECK_EQUAL(now.stands.paused_by, "Ann");
  auto refused = may_act(now.stands, agent());
  CAF_CHECK(refused.error().code == errc::control_held);
  CAF_CHECK(refused.error().detail.find("Ann") == 0);
  CAF_CHECK(refuses_act(now.stands, agent()) == refusal::paused);
  CAF_CHECK(may_act(now.stands, person("s:2")).has_value());
  CAF_CHECK_EQUAL(tell(resume{agent()}), "no:forbidden");
  CAF_CHECK_EQUAL(tell(resume{person("s:2")}), "announce");
  CAF_CHECK(may_act(now.stands, agent()).has_value());
}

CAF_TEST(control given to the agent ends take and pause) {
  tell(take{ann});
  tell(control::pause{person("s:2")});
  CAF_CHECK_EQUAL(tell(call_give{agent(), {}, ""}), "no:conflict");
  CAF_CHECK_EQUAL(tell(call_give{person("s:1"), {}, "log in is done"}), "reset announce");
  CAF_CHECK_EQUAL(kind(now), "agent");
  CAF_CHECK_EQUAL(now.note, "log in is done");
  CAF_CHECK(may_act(now.stands, agent()).has_value());
  tell(request{ben});
  CAF_CHECK_EQUAL(kind(now), "person");
}

CAF_TEST(random events keep the invariants) {
  std::random_device device;
  auto text = std::getenv("HOLT_SEED");
  auto seed = text ? static_cast<unsigned>(std::stoul(text)) : device();
  CAF_MESSAGE("HOLT_SEED=" << seed);
  std::mt19937 random{seed};
  auto id = [&] { return viewer_id{random() % 6 + 1}; };
  for (int i = 0; i < 100'000; ++i) {
    auto before = now.stands.epoch;
    auto held = now.stands.holds_off_agent();
    auto agent_epoch = now.stands.agent_epoch;
    auto driver = now.driver;
    caller who;
    who.key = "s:" + std::to_string(random() % 4);
    who.person = random() % 2 == 0;
    who.admin = random() % 4 == 0;
    auto maybe = random() % 2 == 0 ? std::optional{id()} : std::nullopt;
    switch (random() % 13) {
    case 0: {
      auto n = id();
      if (!now.viewers.contains(n))
        step(now, joined{n, {"v", "s", random() % 2 == 0, random() % 4 == 0, who.key}});
      break;
    }
    case 1: step(now, left{id(), random() % 2 == 0}); break;
    case 2: step(now, request{id()}); break;
    case 3: step(now, release{id()}); break;
    case 4: step(now, take{id()}); break;
    case 5: step(now, give{id(), id()}); break;
    case 6: step(now, call_release{who, ""}); break;
    case 7: step(now, engine_restarted{}); break;
    case 8: step(now, call_take{who, maybe}); break;
    case 9: step(now, call_give{who, maybe, ""}); break;
    case 10: step(now, control::pause{who}); break;
    case 11: step(now, resume{who}); break;
    default: step(now, grant_failed{id(), "no"}); break;
    }
    bool sound = now.stands.epoch >= before && (driver == now.driver || now.stands.epoch > before);
    // Nobody knows of the agent being held off, or let go on, by an epoch of before.
    sound = sound && now.stands.agent_epoch <= now.stands.epoch
            && (held == now.stands.holds_off_agent() || now.stands.agent_epoch > agent_epoch);
    if (now.driver)
      sound = sound && now.viewers.contains(*now.driver) && now.viewers.at(*now.driver).may_drive;
    for (auto asker : now.asking)
      sound = sound && now.viewers.contains(asker) && asker != now.driver;
    CAF_REQUIRE(sound);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
