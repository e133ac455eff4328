// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE activity

#include "actors/activity.hpp"

#include "tests/actors/actor_fixture.hpp"

using namespace holt;
using nlohmann::json;

namespace {

struct fixture : test::actor_fixture {
  activity_actor feed;
  std::vector<std::uint64_t> heard;

  void start(std::size_t capacity = 10'000) {
    feed = keep(spawn_activity(sys, capacity));
    drain();
  }
  void tell(const std::string& kind = "daemon", const json& data = json::object()) {
    caf::anon_send(feed, activity_append{kind, data});
    drain();
  }
  activity_page page(std::uint64_t after, std::size_t limit = 1000) {
    activity_page out;
    caf::anon_send(feed, activity_query{after, limit, [&](activity_page got) { out = got; }});
    drain();
    return out;
  }
  void follow(std::uint64_t id, std::uint64_t after, std::size_t most = SIZE_MAX) {
    caf::anon_send(feed, activity_follow{id, after, [this, most](const activity_event& one) {
                                           heard.push_back(one.seq);
                                           return heard.size() < most;
                                         }});
    drain();
  }
  std::string numbers() {
    std::string out;
    for (auto one : std::exchange(heard, {}))
      out += (out.empty() ? "" : " ") + std::to_string(one);
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(activity_tests, fixture)

CAF_TEST(events get numbers in order and pages go on where the last one ended) {
  start();
  for (int i = 0; i < 5; ++i)
    tell("control", {{"n", i}});
  auto first = page(0, 2);
  CAF_REQUIRE_EQUAL(first.events.size(), 2u);
  CAF_CHECK_EQUAL(first.next, 2u);
  CAF_CHECK_EQUAL(first.first, 1u);
  auto rest = page(first.next);
  CAF_REQUIRE_EQUAL(rest.events.size(), 3u);
  CAF_CHECK_EQUAL(rest.next, 5u);
  auto event = json::parse(*rest.events[0].text);
  CAF_CHECK_EQUAL(event["seq"], 3);
  CAF_CHECK_EQUAL(event["kind"], "control");
  CAF_CHECK_EQUAL(event["data"]["n"], 2);
  CAF_CHECK(event["ts"].is_string());
  CAF_CHECK(page(5).events.empty());
  CAF_CHECK_EQUAL(page(5).next, 5u);
  // A number from before a restart of the feed leads back to the newest.
  CAF_CHECK_EQUAL(page(99).next, 5u);
}

CAF_TEST(a follower hears what was and then what comes) {
  start();
  tell();
  tell();
  follow(1, 1);
  CAF_CHECK_EQUAL(numbers(), "2");
  tell();
  tell();
  CAF_CHECK_EQUAL(numbers(), "3 4");
  caf::anon_send(feed, activity_unfollow{1});
  tell();
  CAF_CHECK_EQUAL(numbers(), "");
}

CAF_TEST(a follower that says no is not called again) {
  start();
  tell();
  tell();
  tell();
  follow(1, 0, 2); // ends in the replay
  CAF_CHECK_EQUAL(numbers(), "1 2");
  tell();
  CAF_CHECK_EQUAL(numbers(), "");
  follow(2, 4, 1);
  tell();
  tell();
  CAF_CHECK_EQUAL(numbers(), "5");
}

CAF_TEST(the ring forgets the oldest and says so) {
  start(3);
  for (int i = 0; i < 10; ++i)
    tell();
  auto got = page(0);
  CAF_CHECK_EQUAL(got.events.size(), 3u);
  CAF_CHECK_EQUAL(got.first, 8u);
  CAF_CHECK_EQUAL(got.events[0].seq, 8u);
}

CAF_TEST(the ring is limited in bytes and one event is limited too) {
  activity_log log{1000, 10'000};
  const auto now = std::chrono::system_clock::now();
  for (int i = 0; i < 100; ++i)
    log.append("x", std::string(1000, 'a'), now);
  CAF_CHECK_EQUAL(log.last(), 100u);
  CAF_CHECK(log.first() >= 91);
  activity_log one;
  auto event = one.append("x", std::string(70'000, 'a'), now);
  CAF_CHECK(json::parse(*event.text)["data"]["omittedBytes"].get<int>() > 70'000);
  auto bytes = one.append("x", "\xff", now);
  CAF_CHECK(json::parse(*bytes.text)["data"] == "\xef\xbf\xbd");
  CAF_CHECK_EQUAL(activity_log{}.first(), 1u);
}

CAF_TEST_FIXTURE_SCOPE_END()
