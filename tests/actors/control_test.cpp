// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE control_actor

#include "actors/actor_child.hpp"
#include "actors/control.hpp"
#include "tests/actors/actor_fixture.hpp"

using namespace holt;
using control::viewer_id;

namespace {

struct fixture : test::actor_fixture {
  caf::actor arbiter;
  std::string heard;

  fixture() {
    actor_ref<activity_actor> feed;
    feed.set(keep(spawn_activity(sys)));
    arbiter = keep(spawn_control(sys, feed));
    drain();
  }
  /// A viewer that writes down what it hears.
  caf::actor viewer(std::uint64_t id, bool may_drive = true, bool admin = false) {
    auto actor = keep(caf::actor{sys.spawn([this, id](caf::event_based_actor*) -> caf::behavior {
      return {
        [this, id](const signaling_event& what) {
          auto name = std::to_string(id);
          if (const auto* x = std::get_if<signaling::control_changed>(&what.what))
            note(name + (x->driver ? " drives " : " sees ")
                 + x->payload["name"].get<std::string>());
          else if (const auto* y = std::get_if<signaling::control_refused>(&what.what))
            note(name + " refused " + std::string{y->why.word()});
          else if (const auto* z = std::get_if<signaling::control_asked>(&what.what))
            note(name + " asked by " + z->name);
        },
      };
    })});
    auto who = "v" + std::to_string(id);
    caf::anon_send(arbiter,
                   control_join{{viewer_id{id}, {who, "s" + who, may_drive, admin, {}}}, actor});
    drain();
    return actor;
  }
  void note(const std::string& what) { heard += (heard.empty() ? "" : ", ") + what; }
  std::string tell(control::event what) {
    heard.clear();
    caf::anon_send(arbiter, control_event{std::move(what)});
    drain();
    return heard;
  }
  control::state now() {
    control::state out;
    caf::anon_send(arbiter, control_query{[&](const control::state& got) { out = got; }});
    drain();
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(control_tests, fixture)

CAF_TEST(who joins is told how things stand and nobody else) {
  viewer(1);
  CAF_CHECK_EQUAL(heard, "1 sees ");
  heard.clear();
  viewer(2);
  CAF_CHECK_EQUAL(heard, "2 sees ");
}

CAF_TEST(everybody hears who drives and the driver is asked) {
  viewer(1);
  CAF_CHECK_EQUAL(tell(control::request{viewer_id{1}}), "1 drives v1");
  viewer(2);
  CAF_CHECK_EQUAL(tell(control::request{viewer_id{2}}), "1 asked by v2");
  auto given = tell(control::release{viewer_id{1}});
  CAF_CHECK(given.find("2 drives v2") != std::string::npos);
  CAF_CHECK(given.find("1 sees v2") != std::string::npos);
}

CAF_TEST(who only watches is refused) {
  viewer(1, false);
  CAF_CHECK_EQUAL(tell(control::request{viewer_id{1}}), "1 refused forbidden");
}

CAF_TEST(who left is told nothing more and hands on) {
  viewer(1);
  viewer(2);
  tell(control::request{viewer_id{1}});
  tell(control::request{viewer_id{2}});
  CAF_CHECK_EQUAL(tell(control::left{viewer_id{1}, false}), "2 drives v2");
  CAF_CHECK_EQUAL(tell(control::left{viewer_id{2}, true}), "");
  CAF_CHECK(now().viewers.empty());
  CAF_CHECK(!now().driver);
}

CAF_TEST(a new engine knows no driver) {
  viewer(1);
  tell(control::request{viewer_id{1}});
  heard.clear();
  caf::anon_send(arbiter, control_engine{nullptr});
  drain();
  CAF_CHECK_EQUAL(heard, "1 sees ");
  CAF_CHECK(!now().driver);
}

CAF_TEST(events of strangers change nothing) {
  viewer(1);
  const auto epoch = now().stands.epoch;
  CAF_CHECK_EQUAL(tell(control::request{viewer_id{9}}), "");
  CAF_CHECK_EQUAL(tell(control::take{viewer_id{9}}), "");
  CAF_CHECK_EQUAL(tell(control::left{viewer_id{9}, true}), "");
  CAF_CHECK_EQUAL(now().stands.epoch, epoch);
}

CAF_TEST_FIXTURE_SCOPE_END()
