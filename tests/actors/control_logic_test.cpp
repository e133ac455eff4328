// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE control_logic

#include "actors/control_logic.hpp"

#include <caf/all.hpp>
#include <caf/test/unit_test.hpp>

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
          add("refuse:" + std::string{x.why.word()});
      },
      one);
  return out;
}

struct fixture {
  state now;
  fixture() {
    step(now, joined{ann, {"Ann", "s-ann", true, false}});
    step(now, joined{ben, {"Ben", "s-ben", true, true}});
    step(now, joined{eve, {"Eve", "s-eve", false, false}});
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
  CAF_CHECK(may_api_act(now).has_value());
  CAF_CHECK_EQUAL(tell(take{ann}), "grant:s-ann announce");
  CAF_CHECK(may_api_act(now).error().code == errc::control_held);
  tell(release{ann});
  CAF_CHECK(may_api_act(now).has_value());
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
  CAF_CHECK(may_api_act(now).has_value());
}

CAF_TEST(an abnormal drop keeps the API held off until somebody lets go) {
  tell(take{ann});
  CAF_CHECK_EQUAL(tell(left{ann, false}), "reset announce");
  CAF_CHECK(may_api_act(now).error().code == errc::control_held);
  CAF_CHECK_EQUAL(driver_name(now), "Ann");
  CAF_CHECK_EQUAL(tell(release{ben}), "announce");
  CAF_CHECK(may_api_act(now).has_value());
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

CAF_TEST(random events keep the invariants) {
  std::random_device device;
  auto text = std::getenv("HOLT_SEED");
  auto seed = text ? static_cast<unsigned>(std::stoul(text)) : device();
  CAF_MESSAGE("HOLT_SEED=" << seed);
  std::mt19937 random{seed};
  auto id = [&] { return viewer_id{random() % 6 + 1}; };
  for (int i = 0; i < 100'000; ++i) {
    auto before = now.epoch;
    auto driver = now.driver;
    switch (random() % 9) {
    case 0: {
      auto n = id();
      if (!now.viewers.contains(n))
        step(now, joined{n, {"v", "s", random() % 2 == 0, random() % 4 == 0}});
      break;
    }
    case 1: step(now, left{id(), random() % 2 == 0}); break;
    case 2: step(now, request{id()}); break;
    case 3: step(now, release{id()}); break;
    case 4: step(now, take{id()}); break;
    case 5: step(now, give{id(), id()}); break;
    case 6: step(now, reset{}); break;
    case 7: step(now, engine_restarted{}); break;
    default: step(now, grant_failed{id(), "no"}); break;
    }
    bool sound = now.epoch >= before && (driver == now.driver || now.epoch > before);
    if (now.driver)
      sound = sound && now.viewers.contains(*now.driver) && now.viewers.at(*now.driver).may_drive;
    for (auto asker : now.asking)
      sound = sound && now.viewers.contains(asker) && asker != now.driver;
    CAF_REQUIRE(sound);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
